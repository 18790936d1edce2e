/** Thousands who hold connections and say nothing, or never to the end: whoever means it still gets in. */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { connected } from '../../support/mqtt-peers.ts';
import { newFolder, removeFolder, serve } from '../../support/process.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';

const idleWhole = 10_000;
/** Addresses that they come from: one alone has a share of the MQTT connections. */
const sources = 20;
const triesMax = 5;
const username = 'means-it';
const password = '0123456789abcdef0123456789abcdef';

/** Begun, and never ended. */
const beginnings: Readonly<Record<string, string>> = {
  nothing: '',
  'half a request': 'POST /api/client-registry/register HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le',
  'a body that does not come':
    'POST /api/client-registry/register HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{',
  'half a CONNECT': '\x10\x7f\x00\x04MQ',
  'half a handshake': '\x16\x03\x01\x02\x00\x01',
};

/** What a CONNECT is told; as devices do, it is tried again where nobody answers in time. */
async function comesIn(mqttPort: number): Promise<number> {
  for (let tries = 1; ; tries++)
    try {
      const client = await connected(mqttPort, { username, password, clientId: username });
      client.end();
      return client.code;
    } catch (error) {
      if (tries === triesMax) throw error;
    }
}

async function run({ chance, share }: Given): Promise<Told> {
  const count = Math.max(400, Math.round(idleWhole * share));
  const dataDir = await newFolder();
  const violations: string[] = [];
  const sockets: Socket[] = [];
  try {
    const served = await serve(dataDir, {
      ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: '0' },
      ...{ GATEBOOK_MQTT_TLS_PORT: '0', GATEBOOK_LOG_LEVEL: 'error' },
    });
    const token = await served.signIn();
    await served.call('POST', '/api/users', { token, body: { username, password } });
    const ready =
      served.output.out.split('\n').find((line) => line.includes('"msg":"ready"')) ?? '{}';
    const addresses = JSON.parse(ready) as Record<string, string>;
    const ports = ['http', 'https', 'mqtt', 'mqtts', 'ws'].map((name) =>
      Number(new URL(addresses[name] ?? 'x://127.0.0.1:0').port),
    );
    for (let index = 0; index < count; index++) {
      const socket = connect({
        ...{ port: ports[index % ports.length] as number, host: '127.0.0.1' },
        localAddress: `127.0.1.${1 + (index % sources)}`,
      });
      socket.on('error', () => undefined);
      socket.resume();
      const text = chance.pick(Object.values(beginnings));
      if (text !== '') socket.write(Buffer.from(text, 'latin1'));
      sockets.push(socket);
      if (index % 200 === 199) await delay(20);
    }
    const open = () => sockets.filter(({ destroyed }) => !destroyed).length;
    const held = open();
    const { status } = await served.call('GET', '/healthz');
    if (status !== 200) violations.push(`/healthz answers ${status}`);
    await served.signIn();
    const askedMs = performance.now();
    const code = await comesIn(served.mqttPort);
    const connectMs = Math.round(performance.now() - askedMs);
    if (code !== 0) violations.push(`CONNECT is told ${code}`);
    const overTls = connectTls({ port: ports[1] as number, rejectUnauthorized: false });
    const greeted = await Promise.race([
      new Promise<boolean>((resolve) => overTls.once('secureConnect', () => resolve(true))),
      delay(10_000).then(() => false),
    ]);
    if (!greeted) violations.push('no TLS handshake within ten seconds');
    overTls.destroy();
    served.kill('SIGTERM');
    if ((await served.ended) !== 0) violations.push('SIGTERM did not end it with 0');
    return {
      rounds: count,
      figures: `${held} held open over five listeners; a CONNECT meanwhile ${connectMs} ms`,
      violations,
    };
  } finally {
    for (const socket of sockets) socket.destroy();
    await removeFolder(dataDir);
  }
}

export const idle: Trial = { name: 'idle', title: 'idle and half-open connections', run };
