/** Who calls, and whether they still may. */
import { EventEmitter, once } from 'node:events';
import type { Caller } from '../../../../src/authority.ts';
import type { Refused } from '../../../../src/commands/refused.ts';
import { requestCallerOf } from '../../../../src/http/request/caller.ts';
import type { Route } from '../../../../src/http/route.ts';
import { assert, suite } from '../../../support/suite.ts';
import { callerWith } from '../listening-application.ts';

const test = suite('http standing');

const read = callerWith('ada', [{ context: 'http', resource: '/api/things', operation: 'read' }]);
const nothing = callerWith('ada', []);
const permitted = { access: 'permitted' } as Route;

const standing = (route: Route, now: { caller: Caller | null }) =>
  requestCallerOf(
    route,
    {
      ...{ method: 'GET', path: '/api/things', querystring: '', params: {} },
      req: { headers: { authorization: 'Bearer any' } },
    } as never,
    { certificateOf: () => null, authenticate: async () => now.caller, current: () => now.caller },
  );

const codeOf = (act: () => unknown): string | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as Refused).code;
  }
};

test('rights are those of the moment', async () => {
  const now: { caller: Caller | null } = { caller: read };
  const { authorize } = await standing(permitted, now);
  assert.is(authorize()?.username, 'ada');
  now.caller = nothing;
  assert.is(codeOf(authorize), 'permission-missing');
  now.caller = null;
  assert.is(codeOf(authorize), 'token-invalid');
});

test('what is one’s own needs no permission, until the route asks for it', async () => {
  const now: { caller: Caller | null } = { caller: nothing };
  const own = { ...permitted, own: () => true } as Route;
  const { authorize, permit } = await standing(own, now);
  assert.is(codeOf(authorize), undefined);
  assert.is(codeOf(permit), 'permission-missing');
  assert.is(codeOf(authorize), 'permission-missing', 'from then on');
});

test('an answer that takes long ends for a caller who may no more, also where nothing is sent', async () => {
  const now: { caller: Caller | null } = { caller: read };
  const response = new EventEmitter();
  const signal = (await standing(permitted, now)).ended(response as never);
  assert.not.ok(signal.aborted);
  now.caller = null;
  await once(signal, 'abort');
  assert.is((signal.reason as Refused).code, 'token-invalid');
});

test('an answer that is over is looked at no more', async () => {
  const response = new EventEmitter();
  const now: { caller: Caller | null } = { caller: read };
  const { ended } = await standing(permitted, now);
  const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  ended(response as never);
  response.emit('close');
  const after = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  assert.is(after, before);
});

test.run();
