/** What answers on the main port while the service still folds its log: that it lives, and is not ready. */
import Koa, { type Context } from 'koa';
import type { Readiness } from '../api/service.ts';
import { type Listener, listen } from './listener.ts';
import { refusal, sendProblem } from './response/problem.ts';

const starting = refusal('store-unavailable', {
  detail: 'The service is starting: it folds its log.',
});
const unready: Readiness = { status: 'unready', checks: { store: 'up', readModels: 'down' } };

/** @throws what the system says of a port that is taken */
export function listenWhileStarting(address: {
  readonly host: string;
  readonly port: number;
}): Promise<Listener> {
  const koa = new Koa();
  koa.use(answer);
  return listen(koa, address);
}

function answer(ctx: Context): void {
  // Nobody's body is waited for: there is nothing to do with it.
  ctx.req.resume();
  ctx.set('Cache-Control', 'no-store');
  if (ctx.path === '/healthz') {
    ctx.body = { status: 'up' };
    return;
  }
  if (ctx.path !== '/readyz') {
    sendProblem(ctx, starting);
    return;
  }
  ctx.status = starting.status;
  ctx.set({ ...starting.headers });
  ctx.body = unready;
}
