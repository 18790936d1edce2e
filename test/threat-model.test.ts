/** The threat model says nothing that no test shows, and leaves no requirement of its level out. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, suite } from './support/suite.ts';

const test = suite('threat model');
const root = join(import.meta.dirname, '..');
const textOf = (file: string) => readFileSync(join(root, file), 'utf8');

interface Line {
  readonly ids: readonly string[];
  readonly verdict: string;
  readonly tests: readonly string[];
}

/** The lines of a document's tables that have a verdict, the third column, and tests, the fourth. */
const linesOf = (file: string): Line[] =>
  textOf(file)
    .split('\n')
    .filter((line) => /^\| (?:\d|API\d|[A-Z]{2,3} \d)/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, , , verdict]) => /^(?:met|partly|not met|does not apply)$/.test(verdict ?? ''))
    .map(([, ids = '', , verdict = '', shown = '']) => ({
      ids: /^\d/.test(ids) ? ids.split(', ') : [ids],
      verdict,
      tests: [...shown.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''),
    }));

const model = linesOf('docs/threat-model.md');
const asvs = model.filter(({ ids }) => /^\d+\.\d+\.\d+$/.test(ids[0] ?? ''));
const iec = linesOf('docs/iec-62443.md');

test('every requirement of ASVS 4.0.3, level 2, stands there once', () => {
  const ids = asvs.flatMap((line) => line.ids);
  assert.is(new Set(ids).size, ids.length);
  // As the standard's own table counts them.
  const ofChapters = { 1: 38, 2: 53, 3: 18, 4: 9, 5: 30, 6: 13, 7: 12, 8: 15, 9: 7, 10: 5, 11: 8 };
  const others = { 12: 15, 13: 13, 14: 23 };
  for (const [chapter, count] of Object.entries({ ...ofChapters, ...others }))
    assert.is(ids.filter((id) => id.startsWith(`${chapter}.`)).length, count, `V${chapter}`);
});

test('the ten risks of the API Security Top 10 stand there', () => {
  const ids = model.flatMap((line) => line.ids).filter((id) => id.startsWith('API'));
  assert.equal(
    ids.map((id) => id.split(' ')[0]),
    Array.from({ length: 10 }, (_, index) => `API${index + 1}`),
  );
});

test('every requirement of FR 1, 2, 3 and 6 of IEC 62443-4-2 stands there once', () => {
  const numbers = iec.flatMap(({ ids }) => ids.map((id) => id.split(' ')[1] ?? ''));
  assert.is(new Set(numbers).size, numbers.length);
  const ofParts = { 1: 14, 2: 13, 3: 14, 6: 2 };
  for (const [part, count] of Object.entries(ofParts))
    assert.is(numbers.filter((one) => one.startsWith(`${part}.`)).length, count, `FR ${part}`);
});

test('no line is met without a test, and every test that is named is there', () => {
  for (const { ids, verdict, tests } of [...model, ...iec]) {
    if (verdict === 'met') assert.ok(tests.length > 0, `${ids} names no test`);
    for (const name of tests)
      assert.ok(name.startsWith('test/') && existsSync(join(root, name)), `${ids}: ${name}`);
  }
});

const sources = ['src', 'domain', 'projections'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`),
);
const filesWith = (pattern: RegExp) => sources.filter((file) => pattern.test(textOf(file)));

test('the service follows no redirect: secrets and requests stay at the address that was configured', () => {
  const asking = filesWith(/\bfetch\(/).filter(
    (file) => !/^src\/(?:web|cli|device|bench)\/|pages\/examples/.test(file),
  );
  assert.ok(asking.length >= 3, 'it sees those that ask');
  for (const file of asking) assert.match(textOf(file), /redirect: '(?:manual|error)'/, file);
});

test('chance is of the cryptographic kind, but for pauses', () => {
  assert.equal(filesWith(/Math\.random\(/), [
    'src/device/waiting.ts',
    'src/store/kurrentdb/retry.ts',
  ]);
});

test('no text is run as code', () => {
  assert.equal(filesWith(/\beval\(|new Function\(|node:vm'/), []);
});

test.run();
