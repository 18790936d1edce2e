/** Of two nodes one sends to the SIEM; when it is gone the other goes on where it was. */

import { environmentOf, type Nodes } from '../../support/kurrentdb/nodes.ts';
import { type KurrentServer, startKurrentServer } from '../../support/kurrentdb/server.ts';
import { until } from '../../support/mqtt-peers.ts';
import { newFolder, removeFolder } from '../../support/process.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assertAllSent, type Sent, startHttpReceiver } from '../../support/siem.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('SIEM, from two nodes');

const sends = ({ lines }: World) => lines.some((line) => line.includes('are sent to the SIEM'));

/** How many events the newest note says that were delivered. */
function noted({ log }: KurrentServer): number {
  const newest = log.stream('gatebook-siem')?.at(-1);
  return newest === undefined
    ? 0
    : JSON.parse(JSON.parse(Buffer.from(newest.data).toString()).text).index;
}

test('one sends, and the other goes on', async () => {
  const taken: Sent[] = [];
  const receiver = await startHttpReceiver(taken);
  const server = await startKurrentServer();
  const keys = await newFolder();
  const environment = {
    ...environmentOf({ server, keys } as Nodes),
    GATEBOOK_MQTT_PORT: 'off',
    GATEBOOK_HTTPS_PORT: 'off',
    GATEBOOK_SIEM_URL: receiver.url,
  };
  const first = await startRegistry(environment);
  await until(() => sends(first));
  const second = await startRegistry(environment);
  try {
    await second.call('POST', '/api/client-registry/unlock');
    const before: string = (await second.call('GET', '/api/audit/export')).body;
    await until(() => taken.at(-1)?.leaf === before.trimEnd().split('\n').at(-1));
    assert.not.ok(sends(second));
    assertAllSent(taken, before);
    const count = taken.length;
    await until(() => noted(server) === count);
    await first.running.stop();
    await until(() => sends(second));
    await second.call('POST', '/api/client-registry/lock');
    const { body: after } = await second.call('GET', '/api/audit/export');
    await until(() => taken.at(-1)?.leaf === after.trimEnd().split('\n').at(-1));
    assert.is(taken[count]?.index, count, 'nothing is sent again');
    assertAllSent(taken, after);
    // The note stands in no order of ours, and its stream keeps the newest alone.
    assert.not.match(after, /Noted/);
    assert.ok(server.log.stream('$$gatebook-siem') !== undefined);
  } finally {
    await second.stop();
    await first.stop();
    await server.stop();
    await receiver.close();
    await removeFolder(keys);
  }
});

test.run();
