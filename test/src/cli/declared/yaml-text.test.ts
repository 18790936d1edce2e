/** What `get` writes: YAML of the same meaning, that a terminal shows as it stands. */
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { yamlText } from '../../../../src/cli/declared/yaml-text.ts';
import { printable } from '../../../../src/platform/printable.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('what get writes');

test('whatever a text says it is read as it was, and holds nothing that a terminal would change', () => {
  const odd = fc.constantFrom(
    ...['\u2028', '\u202e', '\u{e0001}', '\u0007', '\u009b', '\r', '\n', '\t', ' ', '"', '\\', "'"],
    ...[':', '#', '-', '|', 'x', '\ufeff', '\u0085'],
  );
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.oneof(
          odd,
          odd,
          fc.integer({ min: 0, max: 0xd7ff }).map((code) => String.fromCodePoint(code)),
        ),
      }),
      (description) => {
        const written = { name: 'x', roles: { press: { description, permissions: [] } } };
        const text = yamlText(written);
        assert.equal(parse(text), written);
        for (const line of text.trimEnd().split('\n')) assert.is(printable(line), line);
      },
    ),
    { examples: [[' \n'], ['a\n b'], ['a \nb']] },
  );
});

test.run();
