import type { Event } from '../../../../src/api/output.ts';
import { clientStory } from '../../../../src/web/audit/stories.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('page stories');

const windowId = '0e9c5a48-5a5f-4c55-9b3f-6f3f2b1a7c11';
const event = (index: number, type: string, data: Record<string, unknown>): Event => ({
  ...{ index, type, windowId, data: { windowId, ...data }, at: '2026-11-23T10:00:00.000Z' },
  ...{ position: String(index), stream: 's', revision: 0, eventId: `e-${index}` },
  ...{ actor: { kind: 'user', name: 'admin' }, correlationId: 'c', causationId: null },
  username: null,
});
const unlocked = (index: number, limits: object) =>
  event(index, 'RegistryUnlocked', { until: '2026-11-23T10:05:00.000Z', limits });

test('a client’s story tells the limits in force when it asked, and those set before and after', () => {
  const narrow = {
    usernamePattern: 'press-*',
    sources: ['10.0.0.0/8'],
    maxRequests: 1,
    note: null,
  };
  const wide = { usernamePattern: null, sources: [], maxRequests: 500, note: null };
  const told = clientStory([
    unlocked(1, { ...narrow, maxRequests: 7 }),
    unlocked(2, narrow),
    event(3, 'RegistrationRequested', { flow: 'explicit' }),
    unlocked(4, wide),
  ])
    .filter((one) => one.event.type === 'RegistryUnlocked')
    .map(({ story }) => `${story.words}: ${story.more}`.replace(/until [^,]*, [^,]*, /, ''));
  assert.equal(told, [
    'unlocked by admin: for press-*, from 10.0.0.0/8, at most 7 requests · before it asked',
    'limits changed by admin: for press-*, from 10.0.0.0/8, at most 1 request · in force when it asked',
    'limits changed by admin: for every name, at most 500 requests · after it asked',
  ]);
});

test.run();
