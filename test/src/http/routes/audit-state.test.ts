/** What the registry said at a moment is what looking back to that moment says. */
import { setTimeout as sleep } from 'node:timers/promises';
import { assert, suite } from '../../../support/suite.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

/** What was said, and the moment it was said at. */
interface Said {
  readonly step: string;
  readonly at: string;
  readonly users: Record<string, unknown>[];
  readonly window: unknown;
}
const test = suite<{ gatebook: Running; said: Said[] }>('http audit state');
test.after(({ gatebook }) => gatebook.stop());

const names = ['press-1', 'press-2'];

test.before(async (world) => {
  const gatebook = await running();
  const { must, call } = gatebook;
  const said: Said[] = [];
  Object.assign(world, { gatebook, said });
  /** Whether the brokers have acknowledged what a client may, or may no longer. */
  const isAcknowledged = async (username: string) => {
    const { body: user } = await call('GET', `/api/users/${username}`, { token: gatebook.admin });
    const { body: events } = await must(
      200,
      'GET',
      `/api/audit/events?username=${username}&q=activated`,
    );
    return user.status === 'active'
      ? user.activations[0]?.status === 'active'
      : events.items[0]?.type !== 'CredentialActivated';
  };
  const settled = async () => {
    for (const username of names) while (!(await isAcknowledged(username))) await sleep(5);
  };
  /** Does it, and writes down what the registry says once every broker has acknowledged it. */
  const step = async (name: string, work: () => Promise<unknown>) => {
    await work();
    await settled();
    await sleep(5);
    const at = new Date().toISOString();
    const users = await Promise.all(
      names.map(async (username) => {
        const { status, body } = await gatebook.call('GET', `/api/users/${username}`, {
          token: gatebook.admin,
        });
        return status === 200 ? body : { username, status };
      }),
    );
    const { body: window } = await must(200, 'GET', '/api/client-registry');
    said.push({ step: name, at, users, window });
    await sleep(5);
  };
  const ask = async (username: string, password = strongPassword()) => {
    await call('POST', '/api/client-registry/register', { body: { username, password } });
  };
  const decide = async (username: string, decision: 'grant' | 'deny', body: object = {}) => {
    const { body: list } = await must(200, 'GET', '/api/client-registry/requests?status=pending');
    const { requestId } = list.items.find(
      (item: { username: string }) => item.username === username,
    );
    await must(200, 'POST', `/api/client-registry/requests/${requestId}/${decision}`, body);
  };
  const change = (username: string, verb: string, body: object = {}) =>
    must(200, 'POST', `/api/users/${username}/${verb}`, body);

  await step('nothing', async () => {});
  await step('unlocked', () => must(200, 'POST', '/api/client-registry/unlock'));
  await step('asked', () => Promise.all(names.map((name) => ask(name))));
  await step('granted', () => decide('press-1', 'grant'));
  await step('denied', () => decide('press-2', 'deny', { reason: 'unknown' }));
  await step('challenged', () => ask('press-1'));
  await step('challenger refused', () => decide('press-1', 'deny'));
  await step('rotated', () => change('press-1', 'rotate'));
  await step('suspended', () => change('press-1', 'suspend', { reason: 'pause' }));
  await step('resumed', () => change('press-1', 'resume'));
  await step('revoked', () => change('press-1', 'revoke'));
  await step('reinstated', () => change('press-1', 'reinstate'));
  await step('asked anew', () => ask('press-1'));
  await step('granted anew', () => decide('press-1', 'grant'));
  await step('erased', () => change('press-1', 'erase'));
  await step('locked', () => must(200, 'POST', '/api/client-registry/lock'));
});

test('a client is told as it was said to be', async ({ gatebook, said }) => {
  for (const { step, at, users } of said)
    for (const user of users) {
      const { status, body } = await gatebook.call(
        'GET',
        `/api/audit/state?username=${user.username}&at=${at}`,
        { token: gatebook.admin },
      );
      // Sessions are no events: nobody knows them afterwards.
      const { sessionCount: _count, sessionTotal: _total, lastSeenAt: _seen, ...was } = user;
      const { sessionCount: _none, sessionTotal: _nor, lastSeenAt: _never, ...then } = body;
      if (was.status === 404) assert.is(status, 404, `${user.username}, ${step}`);
      else assert.equal(then, was, `${user.username}, ${step}`);
    }
});

test('the window is told as it was said to be', async ({ gatebook, said }) => {
  for (const { step, at, window } of said) {
    const { body } = await gatebook.must(200, 'GET', `/api/audit/state?at=${at}`);
    assert.equal(body.window, window, step);
  }
});

test.run();
