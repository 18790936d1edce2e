import { Id } from '../../../domain/values.ts';
import { newOrderedId } from '../../../src/platform/ordered-id.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('ordered ids');

test('they are UUIDs of version 7 that sort by time, and no two are the same', () => {
  const atMs = Date.parse('2026-11-28T12:00:00.000Z');
  assert.match(newOrderedId(atMs), /^01a22206-ca00-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  for (const later of [1, 1_000, 10 ** 9])
    assert.ok(newOrderedId(atMs) < newOrderedId(atMs + later), String(later));
  const many = Array.from({ length: 5_000 }, () => newOrderedId());
  assert.is(new Set(many).size, many.length);
  for (const id of many.slice(0, 100)) assert.is(Id.parse(id), id);
});

test.run();
