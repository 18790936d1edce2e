/** Requests of one connection that are sent without waiting for answers: few are at work, all are answered in order, none once it is gone. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { ok, type RouteResponse, route } from '../../../src/http/route.ts';
import { pipelinedMax } from '../../../src/limits/http.ts';
import { assert, suite } from '../../support/suite.ts';
import { type Shell, shell, until } from './listening-application.ts';

/** What is at work and waits to be told that it may be answered, oldest first. */
const held: { readonly signals: readonly AbortSignal[]; answer(): void }[] = [];
let begun = 0;

const holding = route({
  ...{ method: 'POST', path: '/held', group: 'Test', operationId: 'hold', summary: 'Hold' },
  access: 'open',
  body: z.strictObject({ at: z.int() }),
  answers: { 200: { description: 'Which it was.' } },
  handle: ({ body, signal, gone }) =>
    new Promise<RouteResponse>((resolve) => {
      begun += 1;
      held.push({ signals: [signal, gone()], answer: () => resolve(ok(body)) });
    }),
});

const test = suite<{ service: Shell }>('http: pipelined requests');
test.before(async (world) => {
  world.service = await shell([holding]);
});
test.after(({ service }) => service.stop());
test.before.each(() => {
  held.length = 0;
  begun = 0;
});

const asking = (count: number): string =>
  Array.from({ length: count }, (_, at) => {
    const body = JSON.stringify({ at });
    return `POST /held HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  }).join('');

async function connected({ listener }: Shell): Promise<Socket> {
  const socket = connect(listener.port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

const turns = async () => {
  for (let left = 20; left > 0; left--) await new Promise(setImmediate);
};

test('so many are at work, those behind them wait, and each is answered in order', async ({
  service,
}) => {
  const count = 4 * pipelinedMax;
  const socket = await connected(service);
  let text = '';
  socket.setEncoding('utf8').on('data', (more) => {
    text += more;
  });
  socket.write(asking(count));
  await until(() => held.length === pipelinedMax);
  await turns();
  assert.is(begun, pipelinedMax);
  // Beside it another connection is served at once.
  const other = await fetch(`${service.url}/nowhere`);
  assert.is(other.status, 404);
  const answers = () => [...text.matchAll(/\{"at":(\d+)\}/g)].map(([, at]) => Number(at));
  while (answers().length < count) {
    await until(() => held.length > 0 || answers().length === count);
    held.shift()?.answer();
    assert.ok(held.length <= pipelinedMax);
  }
  assert.equal(
    answers(),
    Array.from({ length: count }, (_, at) => at),
  );
  // It is read further.
  socket.write(asking(1));
  await until(() => held.length === 1);
  socket.destroy();
});

test('of a connection that is gone none is begun any more', async ({ service }) => {
  const socket = await connected(service);
  socket.write(asking(2 * pipelinedMax));
  await until(() => held.length === pipelinedMax);
  socket.destroy();
  await until(() => held.every(({ signals }) => signals.every(({ aborted }) => aborted)));
  for (const one of held.splice(0)) one.answer();
  await turns();
  assert.is(begun, pipelinedMax);
});

test.run();
