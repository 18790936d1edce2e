/** The gateway before brokers that are not there, keep silent, refuse, or break off. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../../support/free-port.ts';
import { connected, rawMqtt, until, versions } from '../../../support/mqtt-peers.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Alone, brokerThat, gatewayTo } from './world.ts';

const test = suite<Alone>('the gateway alone');
test.before.each((here) => {
  here.undo = [];
});
test.after.each(async ({ undo }) => {
  for (const one of undo.reverse()) await one();
});

test('a broker that is not there is unavailable: 3, or 0x88', async (here) => {
  const { port, asked, outcomes } = await gatewayTo(here, await freePort());
  for (const version of versions) {
    const client = await connected(port, { version, username: 'press', password: 'secret' });
    assert.is(client.code, version === 5 ? 0x88 : 3);
    await client.closed;
  }
  assert.equal([asked, outcomes], [[], ['unavailable', 'unavailable', 'unavailable']]);
});

test('a broker that takes the connection and says nothing is unavailable too', async (here) => {
  const { port, gateway } = await gatewayTo(here, await brokerThat(here, () => {}), {
    timeouts: { answerMs: 100 },
  });
  const client = await connected(port, { username: 'press', password: 'secret' });
  assert.is(client.code, 3);
  await client.closed;
  await until(() => gateway.connectionCount() === 0);
});

test('garbage, too much, and half a CONNECT never reach the broker', async (here) => {
  let reached = 0;
  const upstream = await brokerThat(here, () => reached++);
  const { port, gateway } = await gatewayTo(here, upstream, { timeouts: { connectMs: 200 } });
  const huge = Buffer.alloc(200_000, 0x61);
  Buffer.from([0x10, 0xff, 0xff, 0x7f]).copy(huge);
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([0xc0, 0]),
    Buffer.from([0x10, 2, 0, 0]),
    huge,
    Buffer.from([0x10, 20, 0, 4]),
    Buffer.alloc(0),
  ]) {
    const client = await rawMqtt(port);
    client.send(bytes);
    await client.closed;
    assert.equal(client.received, []);
  }
  await until(() => gateway.connectionCount() === 0);
  assert.is(reached, 0);
});

test('other refusals than of name and password are not the registry’s business', async (here) => {
  let code = 0;
  const upstream = await brokerThat(here, (socket) =>
    socket.once('data', () => socket.end(Buffer.from([0x20, 2, 0, code]))),
  );
  const { port, asked } = await gatewayTo(here, upstream);
  for (code of [1, 2, 3]) {
    const client = await connected(port, { username: 'press', password: 'secret' });
    assert.is(client.code, code);
    await client.closed;
  }
  assert.equal(asked, []);
});

test('a refusal arrives though the broker breaks the connection right after it', async (here) => {
  const atBroker: Socket[] = [];
  const upstream = await brokerThat(here, (socket) => {
    atBroker.push(socket);
    socket.once('data', () => socket.write(Buffer.from([0x20, 2, 0, 5])));
  });
  const { port } = await gatewayTo(here, upstream, {
    authenticator: {
      // The refusal has been read, and is judged.
      async authenticate() {
        for (const socket of atBroker) socket.resetAndDestroy();
        await sleep(100);
        return { admitted: false, reason: 'refused' };
      },
    },
  });
  const client = await connected(port, { username: 'press', password: 'secret' });
  assert.is(client.code, 5);
  await client.closed;
});

test('a broker too busy to take connections from its socket is waited for', async (here) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-socket-'));
  here.undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'broker.sock');
  // A process of its own: it takes nobody for a while, and its queue holds few.
  const program = `
    const server = require('node:net').createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.write(Buffer.from([0x20, 2, 0, 0])));
    });
    server.listen({ path: ${JSON.stringify(path)}, backlog: 1 }, () => {
      process.stdout.write('ready');
      process.stdin.once('data', () => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
      });
    });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  here.undo.push(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const { port, outcomes } = await gatewayTo(here, 0, {
    upstream: { path },
    // How long it takes the other process to take them all is not what is tried.
    timeouts: { upstreamMs: 60_000 },
  });
  child.stdin.write('busy');
  const clients = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      connected(port, { username: 'press', password: 'secret', clientId: `client-${at}` }),
    ),
  );
  for (const client of clients) client.end();
  assert.ok(clients.every(({ code }) => code === 0));
  assert.is(outcomes.length, 20);
});

test('a registry that cannot tell holds up no refusal for ever', async (here) => {
  const upstream = await brokerThat(here, (socket) =>
    socket.once('data', () => socket.write(Buffer.from([0x20, 2, 0, 5]))),
  );
  const { port } = await gatewayTo(here, upstream, {
    // The broker's answer must come in that time, too, or it would be told as unavailable.
    timeouts: { answerMs: 2_000 },
    authenticator: { authenticate: () => new Promise(() => {}) },
  });
  const client = await connected(port, { username: 'press', password: 'secret' });
  assert.is(client.code, 5);
  client.end();
});

test.run();
