/** A SIEM's receiver is killed with messages in hand, then the service, then both go on: nothing is lost, and all is in order. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/mqtt-peers.ts';
import { newFolder, removeFolder, type Served, serve } from '../support/process.ts';
import { assertAllSent, type Sent, startSyslogReceiver } from '../support/siem.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('SIEM, killed');

/** So many events, each of a role. */
async function record({ call }: Served, token: string, name: string, count: number) {
  for (let at = 0; at < count; at++)
    await call('PUT', `/api/roles/${name}-${at}`, { token, body: { permissions: [] } });
}

test('receiver and service are killed in the middle: each event arrives, in order, with its hash', async () => {
  const dataDir = await newFolder();
  const port = await freePort();
  const environment = {
    GATEBOOK_MQTT_PORT: 'off',
    GATEBOOK_HTTPS_PORT: 'off',
    GATEBOOK_SIEM_URL: `syslog+tcp://127.0.0.1:${port}`,
  };
  const taken: Sent[] = [];
  const opened = { PORT: String(port) };
  let served = await serve(dataDir, environment);
  try {
    const token = await served.signIn();
    // Nobody listens yet.
    await record(served, token, 'early', 12);
    const dying = await startSyslogReceiver(taken, { ...opened, DIES_AFTER: '9' });
    await dying.ended;
    assert.is(taken.length, 9);

    // The service has tried in vain what comes now, when it goes.
    await record(served, token, 'late', 5);
    await until(() => served.output.out.includes('do not reach the SIEM'));
    served.kill('SIGKILL');
    await served.ended;
    const receiver = await startSyslogReceiver(taken, opened);

    served = await serve(dataDir, environment);
    await record(served, token, 'last', 3);
    const exported = await fetch(`${served.url}/api/audit/export`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    await until(() => taken.some(({ leaf }) => leaf.includes('last-2')));
    assertAllSent(taken, await exported.text());
    const { index } = JSON.parse(await readFile(join(dataDir, 'siem.json'), 'utf8'));
    assert.ok(index <= taken.length);
    await receiver.kill();
  } finally {
    served.kill('SIGKILL');
    await served.ended;
    await removeFolder(dataDir);
  }
});

test.run();
