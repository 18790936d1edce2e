/** When a client was seen, and its sessions, outlive a stop and a kill -9 by all but the last seconds. */

import { sightingsWriteEveryMs } from '../../src/limits/rows.ts';
import { strong } from '../support/door.ts';
import { connected } from '../support/mqtt-peers.ts';
import { newFolder, removeFolder, type Served, serve } from '../support/process.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite<{ dataDir: string }>('kill -9 and who was seen');
test.before.each(async (here) => {
  here.dataDir = await newFolder();
});
test.after.each(({ dataDir }) => removeFolder(dataDir));

async function asked(served: Served, token: string, path: string, sent?: object) {
  const method = sent === undefined ? 'GET' : 'POST';
  const { status, body } = await served.call(method, `/api${path}`, { token, body: sent });
  assert.ok(status < 300, `${path}: ${status}`);
  return body as { lastSeenAt: string | null; sessionTotal: number };
}

test('lastSeenAt and the sessions in all are there after both, and gone with the name', async ({
  dataDir,
}) => {
  const password = strong();
  let served = await serve(dataDir);
  let token = await served.signIn();
  const user = () => asked(served, token, '/users/press-1');
  const comes = async () => {
    const client = await connected(served.mqttPort, {
      ...{ username: 'press-1', password, clientId: 'press-1' },
    });
    assert.is(client.code, 0);
    return client;
  };
  const again = async (signal: 'SIGTERM' | 'SIGKILL') => {
    served.kill(signal);
    await served.ended;
    served = await serve(dataDir);
    token = await served.signIn();
  };
  await asked(served, token, '/users', { username: 'press-1', password });
  assert.equal([(await user()).lastSeenAt, (await user()).sessionTotal], [null, 0]);

  (await comes()).end();
  const before = await user();
  assert.is(before.sessionTotal, 1);
  assert.ok(before.lastSeenAt);
  await again('SIGTERM');
  const stopped = await user();
  assert.is(stopped.sessionTotal, 1);
  assert.ok((stopped.lastSeenAt ?? '') >= before.lastSeenAt);

  // Killed in the middle of a session that goes on sending.
  const client = await comes();
  const late = Date.now() + 1.5 * sightingsWriteEveryMs;
  while (Date.now() < late) {
    client.send({ cmd: 'pingreq' });
    await client.take('pingresp');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const killedAtMs = Date.now();
  await again('SIGKILL');
  const killed = await user();
  assert.is(killed.sessionTotal, 2);
  const lostMs = killedAtMs - Date.parse(killed.lastSeenAt ?? '');
  assert.ok(lostMs <= 2 * sightingsWriteEveryMs, `${lostMs} ms are lost`);

  await asked(served, token, '/users/press-1/erase', {});
  const erased = await user();
  assert.equal([erased.lastSeenAt, erased.sessionTotal], [null, 0]);
  await again('SIGKILL');
  const stillErased = await user();
  assert.equal([stillErased.lastSeenAt, stillErased.sessionTotal], [null, 0]);
  served.kill('SIGTERM');
  await served.ended;
});

test.run();
