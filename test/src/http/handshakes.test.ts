/** TLS handshakes at HTTPS are bounded: who stalls, renegotiates, or opens thousands of them keeps nobody out. */
import { once } from 'node:events';
import { request } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Listener, listen } from '../../../src/http/listener.ts';
import { ChangingIdentity } from '../../../src/platform/server-identity.ts';
import { assert, suite } from '../../support/suite.ts';
import { type KeyAndCertificate, selfSigned } from '../../support/tls.ts';

const test = suite<{ own: KeyAndCertificate; listener: Listener }>('TLS handshakes at HTTPS');
const host = '127.0.0.1';
const application = {
  callback: () => (_request: unknown, response: { end(text: string): void }) => response.end('up'),
};

test.before.each(async (here) => {
  here.own = await selfSigned();
  here.listener = await listen(application as never, {
    ...{ host, port: 0, identity: new ChangingIdentity(here.own), handshakeTimeoutMs: 300 },
  });
});
test.after.each(({ listener }) => listener.stop(0));

const isServed = async ({ url }: Listener, { cert }: KeyAndCertificate): Promise<boolean> => {
  const sent = request(url, { ca: cert, agent: false });
  sent.end();
  const [{ statusCode }] = await once(sent, 'response');
  return statusCode === 200;
};

async function opened(port: number, first: string): Promise<Socket> {
  const socket = connectTcp({ host, port });
  socket.on('error', () => {}).resume();
  await once(socket, 'connect');
  if (first !== '') socket.write(Buffer.from(first, 'hex'));
  return socket;
}

const stalls = {
  'no byte': '',
  'half a ClientHello': '1603010200010001fc0303',
  garbage: 'ff00ff00',
};
for (const [kind, first] of Object.entries(stalls))
  test(`a handshake that stalls is ended: ${kind}`, async ({ own, listener }) => {
    const sockets = await Promise.all(
      Array.from({ length: 20 }, () => opened(listener.port, first)),
    );
    await Promise.all(sockets.map((socket) => socket.destroyed || once(socket, 'close')));
    assert.ok(await isServed(listener, own));
  });

test('5,000 handshakes of one source keep nobody out', async ({ own, listener }) => {
  for (let batch = 0; batch < 50; batch++) {
    const sockets = await Promise.all(
      Array.from({ length: 100 }, () => opened(listener.port, '').catch(() => null)),
    );
    if (batch % 10 === 0) assert.ok(await isServed(listener, own));
    for (const socket of sockets) socket?.destroy();
  }
  assert.ok(await isServed(listener, own));
});

test('who renegotiates again and again is closed', async ({ own, listener }) => {
  const { port } = listener;
  const socket = connectTls({ host, port, ca: own.cert, maxVersion: 'TLSv1.2' });
  await once(socket, 'secureConnect');
  socket.on('error', () => {}).resume();
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  let count = 0;
  const again = () => {
    if (socket.destroyed || count++ > 20) return;
    socket.renegotiate({ rejectUnauthorized: false }, again);
  };
  again();
  await closed;
  assert.ok(count <= 20, `${count}`);
  assert.ok(await isServed(listener, own));
});

test.run();
