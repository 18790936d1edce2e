/**
 * The bare parts that Gatebook is measured beside: `node test/bench/bare.ts koa` (gives back the JSON that it
 * is sent), `node test/bench/bare.ts aedes` (accepts everybody).
 */
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { Aedes } from 'aedes';
import Koa from 'koa';

const backlog = 4_096;

if (process.argv[2] === 'koa') {
  const koa = new Koa();
  koa.use(async (ctx) => {
    ctx.body = ctx.method === 'POST' ? JSON.parse(await text(ctx.req)) : { status: 'up' };
  });
  const server = koa.listen(0, '127.0.0.1', () => {
    console.log(`ready ${(server.address() as { port: number }).port}`);
  });
} else {
  const aedes = await Aedes.createBroker();
  const server = createServer({ noDelay: true }, aedes.handle);
  server.listen({ port: 0, host: '127.0.0.1', backlog }, () => {
    console.log(`ready ${(server.address() as { port: number }).port}`);
  });
}
