import fc from 'fast-check';
import { canonicalJson } from '../../../../src/audit/transparency-log/canonical-json.ts';
import { canonicalOf } from '../../../../src/audit/transparency-log/canonical-text.ts';
import { leafText, leafTextFrom } from '../../../../src/audit/transparency-log/leaf.ts';
import { jsonShapesMax } from '../../../../src/limits/audit.ts';
import { EventFromText } from '../../../../src/store/event-text.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('canonical text of what was parsed');

const given = (text: string) => canonicalOf(JSON.parse(text), text);
const expected = (text: string) => canonicalJson(JSON.parse(text));

test('it is what the value has, whatever it holds', () => {
  const name = fc.oneof(fc.constantFrom('a', 'b', '10', '9', 'é', '"', '__proto__'), fc.string());
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('plain', '', 'a"b', 'a\\b', '\u0007', '\u2028', '😀'),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -5, max: 2_000 }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value')),
      fc.dictionary(name, tie('value')),
    ),
  }));
  fc.assert(
    fc.property(value, (one) => {
      const text = JSON.stringify(one);
      assert.is(given(text), expected(text));
    }),
  );
});

test('whatever way the text says it', () => {
  for (const text of [
    '{ "b" : 1, "a" : [ 1 , 2 ] }',
    '{"a":1,"a":2}',
    '{"a":"\\u0041","b":"\\/"}',
    '{"a":-0,"b":1.50,"c":1e1,"d":1000}',
    '{"10":"a","9":"b","a":{}}',
    '[]',
    '{}',
  ])
    assert.is(given(text), expected(text));
});

test('no number said shortly makes room for what must be escaped', () => {
  // With 1e6 as long as {"a":"x","b":"y","c":1000000}, which it must not be taken for.
  for (const number of ['1e5', '1e6', '1e7', '1e21', '1E2', '2e1', '1e9']) {
    const said = `{"a":"x\\",\\"b\\":\\"y","c":${number}}`;
    assert.is(given(said), expected(said));
  }
});

test('a lone surrogate has none', () => {
  assert.throws(() => given('{"a":"\\ud800"}'), /lone surrogate/);
});

test('objects of more kinds than are remembered have the same text', () => {
  for (let kind = 0; kind < jsonShapesMax + 10; kind++) {
    const text = `{"z${kind}":1,"a":"b"}`;
    assert.is(given(text), expected(text));
  }
});

test('the leaf of an event is the same from its text, whatever its metadata hold', () => {
  for (const metadata of [
    '{"correlationId":"a","causationId":null}',
    '{"correlationId":"a","causationId":"b"}',
    '{"causationId":"b","correlationId":"a"}',
    '{"correlationId":"a\\"","causationId":"\\u0041"}',
    '{"correlationId":"\\n","causationId":null}',
    '{ "correlationId":"a","causationId":null }',
    '{"correlationId":"a"}',
    '{"correlationId":7,"causationId":null}',
    '{"correlationId":"a","causationId":null,"by":1}',
    '{"correlationId":"a","causationId":{"b":1,"a":2}}',
    '{}',
  ]) {
    const place = ['1', 'e', 'client-a', 0, 'Seen', '{"b":"ä","a":1}', metadata] as const;
    const [position, eventId, stream, revision, type, data] = place;
    const event = { position, eventId, stream, revision, type };
    const parsed = { ...event, data: JSON.parse(data), metadata: JSON.parse(metadata) };
    assert.is(leafTextFrom(new EventFromText(place, 0)), leafText(parsed), metadata);
  }
});

test.run();
