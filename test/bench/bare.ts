/** The bare parts that Gatebook is measured beside: `node bare.ts koa`, `node bare.ts aedes`. */
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import Koa from 'koa';

if (process.argv[2] === 'koa') {
  const koa = new Koa();
  koa.use((ctx) => {
    ctx.body = { status: 'up' };
  });
  const server = koa.listen(0, '127.0.0.1', () => {
    console.log(`ready ${(server.address() as { port: number }).port}`);
  });
} else {
  const aedes = await Aedes.createBroker();
  const server = createServer({ noDelay: true }, aedes.handle);
  server.listen(0, '127.0.0.1', () => {
    console.log(`ready ${(server.address() as { port: number }).port}`);
  });
}
