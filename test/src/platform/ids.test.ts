import { Id } from '../../../domain/values.ts';
import { newOrderedId, randomId } from '../../../src/platform/ids.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('ids');

test('ordered ones are UUIDs of version 7 that sort by time, and no two are the same', () => {
  const atMs = Date.parse('2026-11-28T12:00:00.000Z');
  assert.match(newOrderedId(atMs), /^01a22206-ca00-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  for (const later of [1, 1_000, 10 ** 9])
    assert.ok(newOrderedId(atMs) < newOrderedId(atMs + later), String(later));
  const many = Array.from({ length: 5_000 }, () => newOrderedId());
  assert.is(new Set(many).size, many.length);
  for (const id of many.slice(0, 100)) assert.is(Id.parse(id), id);
});

const randomForm = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('random ones have the form of version 4, none comes twice, and each digit is random', () => {
  const ids = Array.from({ length: 10_000 }, () => randomId());
  assert.is(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, randomForm);
  for (let at = 0; at < 36; at++) {
    const found = new Map<string, number>();
    for (const id of ids) found.set(id.charAt(at), (found.get(id.charAt(at)) ?? 0) + 1);
    const kinds = at === 14 || '------'.includes(ids[0]?.charAt(at) ?? '') ? 1 : at === 19 ? 4 : 16;
    assert.is(found.size, kinds);
    // Beyond ten times the standard deviation.
    for (const count of found.values()) assert.ok(Math.abs(count - 10_000 / kinds) < 500);
  }
});

test.run();
