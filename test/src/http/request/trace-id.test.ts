import { traceIdOf } from '../../../../src/http/request/trace-id.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('traceparent');
const of = (traceparent?: string) =>
  traceIdOf({ headers: traceparent === undefined ? {} : { traceparent } });

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = '00f067aa0ba902b7';

test('the trace of version 00, and of later ones that say more', () => {
  assert.is(of(`00-${trace}-${parent}-01`), trace);
  assert.is(of(`00-${trace}-${parent}-00`), trace);
  assert.is(of(`cc-${trace}-${parent}-01`), trace);
  assert.is(of(`cc-${trace}-${parent}-01-what-will-be`), trace);
});

test('what is no traceparent is ignored', () => {
  for (const sent of [
    undefined,
    '',
    trace,
    `ff-${trace}-${parent}-01`,
    `00-${trace}-${parent}-01-more`,
    `00-${trace}-${parent}`,
    `00-${'0'.repeat(32)}-${parent}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${parent}-01`,
    `00-${trace}0-${parent}-01`,
    ` 00-${trace}-${parent}-01`,
    `00-${trace}-${parent}-01, 00-${trace}-${parent}-01`,
    `cc-${trace}-${parent}-01-${'x'.repeat(1_000)}`,
    `00-${trace}-${parent}-01\nforged`,
  ])
    assert.is(of(sent), undefined, sent);
});

test.run();
