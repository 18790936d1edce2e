import { Request, Schedule, User, Window } from '../../../../src/api/output.ts';
import { liveStreamsPerUserMax } from '../../../../src/limits/http.ts';
import { createLiveEvents, liveEntries } from '../../../../src/notifications/live-events.ts';
import { type EventStream, eventStream } from '../../../support/event-stream.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Running, running, strongPassword } from '../running-service.ts';

const test = suite<{ gatebook: Running; open: EventStream[] }>('http events');
test.before(async (world) => {
  world.gatebook = await running();
  world.open = [];
});
test.after.each(({ open }) => {
  for (const stream of open.splice(0)) stream.close();
});
test.after(({ gatebook }) => gatebook.stop());

async function follow(
  { gatebook, open }: { gatebook: Running; open: EventStream[] },
  options: { query?: string; token?: string; after?: string } = {},
): Promise<EventStream> {
  const stream = await eventStream(`${gatebook.world.url}/api/events${options.query ?? ''}`, {
    Authorization: `Bearer ${options.token ?? gatebook.admin}`,
    ...(options.after === undefined ? {} : { 'Last-Event-ID': options.after }),
  });
  open.push(stream);
  return stream;
}

let asked = 0;
async function ask({ call }: Running, username = `device-${asked++}`) {
  const got = await call('POST', '/api/client-registry/register', {
    body: { username, password: strongPassword(), pairingId: 'a1b2c3' },
  });
  return { username, status: got.status, requestId: got.body.requestId as string };
}
const unlock = ({ must }: Running) => must(200, 'POST', '/api/client-registry/unlock');
const grant = ({ must }: Running, id: string) =>
  must(200, 'POST', `/api/client-registry/requests/${id}/grant`, {});

test('a request is told from asking to activation, each thing in its shape', async (world) => {
  const { gatebook } = world;
  const stream = await follow(world);
  await unlock(gatebook);
  assert.is(Window.parse((await stream.until('window.unlocked')).data).status, 'unlocked');
  const { requestId, username } = await ask(gatebook);
  const pending = await stream.until('request.pending');
  assert.is(Request.parse(pending.data).requestId, requestId);
  assert.is(pending.data.source, '127.0.0.1');
  await grant(gatebook, requestId);
  assert.is((await stream.until('request.granted')).data.decision.by, 'admin');
  assert.is(User.parse((await stream.until('user.changed')).data).status, 'active');
  const activation = await stream.until('activation.changed');
  assert.is(activation.data.username, username);
  assert.is(activation.data.status, 'active');
  await gatebook.must(200, 'POST', '/api/client-registry/lock');
  assert.is((await stream.until('window.locked')).data.lockedBy, 'admin');
});

test('a schedule is told as it is made and cancelled, to who may read it', async (world) => {
  const { gatebook } = world;
  const base = '/api/client-registry/windows';
  const password = strongPassword();
  const permissions = ['/api/events', '/api/client-registry'].map((resource) => ({
    ...{ context: 'http', resource, operation: 'read' },
  }));
  const other = { username: 'no-windows', password };
  await gatebook.must(201, 'POST', '/api/users', { ...other, permissions });
  const { body: signedIn } = await gatebook.call('POST', '/api/login', { body: other });
  const blind = await follow(world, { token: signedIn.token });
  const stream = await follow(world, { query: '?types=schedule.*' });
  const opensAt = new Date(Date.now() + 3_600_000).toISOString();
  const { body } = await gatebook.must(201, 'POST', base, { opensAt, durationMs: 60_000 });
  assert.equal(Schedule.parse((await stream.until('schedule.changed')).data), body);
  await gatebook.must(204, 'DELETE', `${base}/${body.scheduleId}`);
  assert.is((await stream.until('schedule.changed')).data.status, 'cancelled');
  await unlock(gatebook);
  assert.is((await blind.next()).event, 'window.unlocked');
  await gatebook.must(200, 'POST', '/api/client-registry/lock');
});

test('knocks are told without an id, gathered', async (world) => {
  const { gatebook } = world;
  const stream = await follow(world, { query: '?types=knock' });
  assert.is((await ask(gatebook, 'knocker')).status, 423);
  await ask(gatebook, 'knocker');
  const first = await stream.until('knock');
  assert.is(first.data.username, 'knocker');
  assert.is(first.id, stream.lastId());
});

test('a stream goes on after the last id: nothing is lost, nothing of before comes again', async (world) => {
  const { gatebook } = world;
  await unlock(gatebook);
  const first = await follow(world, { query: '?types=request.*' });
  const one = await ask(gatebook);
  await first.until('request.pending');
  first.close();
  const two = await ask(gatebook);
  const three = await ask(gatebook);
  const after = await follow(world, { query: '?types=request.*', after: first.lastId() });
  const told = [await after.next(), await after.next()].map(({ data }) => data.requestId);
  assert.equal(
    told,
    [two.requestId, three.requestId].filter((id) => id !== one.requestId),
  );
});

test('what one event of the log means has its id, and is one piece', async (world) => {
  const { gatebook } = world;
  await unlock(gatebook);
  const gone = new AbortController();
  const { body } = await fetch(`${gatebook.world.url}/api/events`, {
    headers: { Authorization: `Bearer ${gatebook.admin}` },
    signal: gone.signal,
  });
  const pieces = body?.pipeThrough(new TextDecoderStream()).getReader();
  await pieces?.read();
  const { username } = await ask(gatebook);
  const piece = (await pieces?.read())?.value ?? '';
  gone.abort();
  const told = [...piece.matchAll(/^id: (\d+)\nevent: (\S+)$/gm)].map(([, id, name]) => [name, id]);
  const asked = await gatebook.must(200, 'GET', `/api/audit/events?username=${username}`);
  const { position } = asked.body.items.at(-1);
  assert.equal(told, [
    ['request.pending', position],
    ['user.changed', position],
  ]);
});

test('an id that this log does not have resets', async (world) => {
  for (const after of ['99999999999999999999', '0', 'nonsense']) {
    const stream = await follow(world, { after });
    assert.is((await stream.next()).event, 'reset', after);
    assert.match(stream.lastId(), /^\d{20}$/);
  }
});

test('types choose; a type that there is not is refused', async (world) => {
  const { gatebook } = world;
  const stream = await follow(world, { query: '?types=window.locked,request.granted' });
  await unlock(gatebook);
  const { requestId } = await ask(gatebook);
  await grant(gatebook, requestId);
  assert.is((await stream.next()).event, 'request.granted');
  await gatebook.must(200, 'POST', '/api/client-registry/lock');
  assert.is((await stream.next()).event, 'window.locked');
  const wrong = await gatebook.call('GET', '/api/events?types=weather.*', {
    token: gatebook.admin,
  });
  assert.is(wrong.status, 400);
  assert.equal(wrong.places, ['types']);
});

test('who may read a thing is told of it, and nobody else', async (world) => {
  const { gatebook } = world;
  const http = (resource: string) => ({ context: 'http', resource, operation: 'read' });
  const token = await gatebook.signedIn('window-watcher', {
    permissions: [http('/api/events'), http('/api/client-registry')],
  });
  await unlock(gatebook);
  const stream = await follow(world, { token });
  await ask(gatebook);
  await gatebook.must(200, 'POST', '/api/client-registry/lock');
  assert.is((await stream.next()).event, 'window.locked');
  const nobody = await gatebook.signedIn('nobody-here');
  assert.is((await gatebook.call('GET', '/api/events', { token: nobody })).status, 403);
});

test('personal fields are opened only for who may read them', async (world) => {
  const { gatebook } = world;
  const http = (resource: string) => ({ context: 'http', resource, operation: 'read' });
  const token = await gatebook.signedIn('half-watcher', {
    permissions: [http('/api/events'), http('/api/client-registry/#')],
  });
  await unlock(gatebook);
  const stream = await follow(world, { token });
  await ask(gatebook);
  assert.is((await stream.until('request.pending')).data.source, null);
});

test('a stream ends with the rights of who reads it', async (world) => {
  const { gatebook } = world;
  const token = await gatebook.signedIn('short-watcher', { roles: ['auditor'] });
  const stream = await follow(world, { token });
  await gatebook.must(200, 'POST', '/api/users/short-watcher/suspend', {});
  await stream.ended();
});

test('one user has so many streams, and one more when one has ended', async (world) => {
  const { gatebook, open } = world;
  const token = await gatebook.signedIn('many-watcher', { roles: ['auditor'] });
  for (let at = 0; at < liveStreamsPerUserMax; at++) await follow(world, { token });
  const more = await gatebook.call('GET', '/api/events', { token });
  assert.is(more.code, 'source-throttled');
  for (const stream of open.splice(0)) stream.close();
  let status = 429;
  for (let tries = 0; tries < 50 && status === 429; tries++) {
    const again = await follow(world, { token });
    status = again.status;
    if (status === 429) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.is(status, 200);
});

test('live sessions of a user are listed, empty for one without, 404 for a stranger', async ({
  gatebook,
}) => {
  assert.equal((await gatebook.must(200, 'GET', '/api/users/admin/sessions')).body.items, []);
  await gatebook.must(404, 'GET', '/api/users/never-seen/sessions');
});

const never = new AbortController().signal;
const noHistory = { get: () => undefined } as never;

test('a reader that does not read is told to read anew, and holds a bounded line', async () => {
  let apply: (events: never[]) => void = () => undefined;
  const liveEvents = createLiveEvents({
    history: noHistory,
    onApplied: (listener) => {
      apply = listener as never;
    },
  });
  const reader = liveEvents.read(null);
  for (let at = 0; at < 1_001; at++)
    apply([
      {
        type: 'RegistrationDenied',
        stream: `client-u${at}`,
        position: String(at),
        data: { username: `u${at}`, requestId: `r${at}`, at: '' },
      } as never,
    ]);
  const batch = await reader.next(0, never);
  assert.is(batch.reset, true);
  assert.ok(batch.entries.length < 1_000);
  reader.close();
});

test('no event but those named means anything live', () => {
  const of = (type: string, stream: string, data: object) =>
    liveEntries({ type, stream, position: '1', data: data as never }).map(({ name }) => name);
  assert.equal(of('TokenIssued', 'token-1', { username: 'a-b' }), []);
  assert.equal(of('RoleDefined', 'role-x', { name: 'x' }), []);
  assert.equal(of('AccessRevoked', 'client-a', { username: 'a' }), ['user.changed']);
  const schedule = { scheduleId: 's', occurrence: 'o' };
  assert.equal(of('RegistryUnlocked', 'registry', { schedule }), [
    'window.unlocked',
    'schedule.changed',
  ]);
  assert.equal(of('ScheduleSkipped', 'schedule-s', schedule), ['schedule.changed']);
  assert.equal(of('ReplacementExpired', 'client-a', { username: 'a', requestId: 'r' }), [
    'request.expired',
    'user.changed',
  ]);
});

test.run();
