import { Id } from '../../../domain/values.ts';
import { newEventId } from '../../../src/platform/event-id.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('ids of events');

test('they are UUIDs of version 7 that sort by time, and no two are the same', () => {
  const atMs = Date.parse('2026-11-28T12:00:00.000Z');
  assert.match(newEventId(atMs), /^01a22206-ca00-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  for (const later of [1, 1_000, 10 ** 9])
    assert.ok(newEventId(atMs) < newEventId(atMs + later), String(later));
  const many = Array.from({ length: 5_000 }, () => newEventId());
  assert.is(new Set(many).size, many.length);
  for (const id of many.slice(0, 100)) assert.is(Id.parse(id), id);
});

test.run();
