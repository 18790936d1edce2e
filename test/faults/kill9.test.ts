/** kill -9 right after an answer: what was acknowledged is true after the next start. */

import { newName, registerPath, strong } from '../support/door.ts';
import { connected } from '../support/mqtt-peers.ts';
import { newFolder, removeFolder, type Served, serve } from '../support/process.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite<{ dataDir: string }>('kill -9');
test.before.each(async (here) => {
  here.dataDir = await newFolder();
});
test.after.each(({ dataDir }) => removeFolder(dataDir));

interface Device {
  readonly username: string;
  readonly password: string;
}
const device = (): Device => ({ username: newName('killed'), password: strong() });

const ask = ({ call }: Served, { username, password }: Device) =>
  call('POST', registerPath, { body: { username, password } });

async function killed(served: Served): Promise<void> {
  served.kill('SIGKILL');
  assert.is(await served.ended, null);
}

async function connects({ mqttPort }: Served, { username, password }: Device): Promise<number> {
  const client = await connected(mqttPort, { username, password, clientId: username });
  client.end();
  return client.code;
}

test('after a 202, a grant, a 201 and a revocation', async ({ dataDir }) => {
  let served = await serve(dataDir);
  const token = await served.signIn();
  assert.is(
    (await served.call('POST', '/api/client-registry/unlock', { token, body: {} })).status,
    200,
  );
  const one = device();
  const { status, body } = await ask(served, one);
  assert.is(status, 202);
  await killed(served);

  served = await serve(dataDir);
  const waits = await ask(served, one);
  assert.equal([waits.status, waits.body.requestId], [202, body.requestId]);
  const self = { token: body.registrationToken };
  const polled = await served.call('GET', '/api/client-registry/requests/self', self);
  assert.is(polled.status, 202);
  const path = `/api/client-registry/requests/${body.requestId}/grant`;
  assert.is((await served.call('POST', path, { token, body: {} })).status, 200);
  await killed(served);

  served = await serve(dataDir);
  assert.is((await ask(served, one)).status, 201);
  assert.is(await connects(served, one), 0);
  const made = device();
  assert.is((await served.call('POST', '/api/users', { token, body: made })).status, 201);
  await killed(served);

  served = await serve(dataDir);
  assert.is(await connects(served, made), 0);
  const revoke = `/api/users/${one.username}/revoke`;
  assert.is((await served.call('POST', revoke, { token, body: {} })).status, 200);
  await killed(served);

  served = await serve(dataDir);
  assert.is(await connects(served, one), 5);
  assert.is((await ask(served, one)).status, 410);
  // What the broker acknowledged is caught up with, once each.
  const events = await served.call('GET', `/api/audit/events?username=${one.username}`, { token });
  const types = events.body.items.map((event: { type: string }) => event.type).sort();
  assert.equal(types, [
    'AccessRevoked',
    'CredentialActivated',
    'CredentialDeactivated',
    'RegistrationGranted',
    'RegistrationRequested',
  ]);
  served.kill('SIGTERM');
  assert.is(await served.ended, 0);
});

test('under load: every 202 and every grant that was answered is there', async ({ dataDir }) => {
  let served = await serve(dataDir);
  const token = await served.signIn();
  await served.call('POST', '/api/client-registry/unlock', { token, body: {} });
  const told = new Map<Device, 'waits' | 'granted'>();
  const load = Array.from({ length: 100 }, async () => {
    const one = device();
    const { status, body } = await ask(served, one);
    if (status !== 202) return;
    told.set(one, 'waits');
    const path = `/api/client-registry/requests/${body.requestId}/grant`;
    const granted = await served.call('POST', path, { token, body: {} });
    if (granted.status === 200) told.set(one, 'granted');
    if (told.size >= 60) served.kill('SIGKILL');
  });
  const outcomes = await Promise.allSettled(load);
  await served.ended;
  assert.ok(told.size >= 60, `${told.size} were answered`);
  assert.ok(
    outcomes.some(({ status }) => status === 'rejected'),
    'it was killed under load',
  );

  served = await serve(dataDir);
  const counts = { waits: 0, granted: 0 };
  for (const [one, outcome] of told) {
    counts[outcome] += 1;
    const { status } = await ask(served, one);
    // A grant that was not answered may have been recorded.
    if (outcome === 'granted') assert.is(status, 201);
    else assert.ok(status === 202 || status === 201, `${status}`);
    if (outcome === 'granted') assert.is(await connects(served, one), 0);
  }
  assert.ok(counts.granted > 0);
  await killed(served);
});

test.run();
