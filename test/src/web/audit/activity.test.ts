import { type Happened, happenedIn, withHappened } from '../../../../src/web/audit/activity.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('page activity');

const at = (second: number) => `2026-11-23T10:00:0${second}.000Z`;
const item = { requested: 1, granted: 0, denied: 0, revoked: 0, unlockedMs: 0 };
const answer = {
  since: at(0),
  until: at(4),
  items: [
    { from: at(0), ...item },
    { from: at(2), ...item },
  ],
};

test('what live events tell is counted in the newest part, once, and not what the answer has', () => {
  const request = { requestId: 'r-1', requestedAt: at(5), decision: null };
  const told = [
    happenedIn('request.pending', { ...request, requestedAt: at(3), requestId: 'r-0' }),
    happenedIn('request.pending', request),
    happenedIn('request.granted', { ...request, decision: { at: at(6) } }),
    happenedIn('request.denied', { ...request, requestId: 'r-2', decision: { at: at(6) } }),
    happenedIn('request.expired', request),
    happenedIn('user.changed', { username: 'press-1', status: 'active', changedAt: at(6) }),
    happenedIn('user.changed', { username: 'press-1', status: 'revoked', changedAt: at(7) }),
  ].filter((one): one is Happened => one !== null);
  assert.equal(
    told.map(({ once }) => once),
    ['requested r-0', 'requested r-1', 'granted r-1', 'denied r-2', `revoked press-1 ${at(7)}`],
  );
  const { items } = withHappened(answer, told);
  assert.equal(items[0], answer.items[0]);
  assert.equal(items[1], { ...answer.items[1], requested: 2, granted: 1, denied: 1, revoked: 1 });
  assert.is(withHappened(answer, []), answer);
});

test.run();
