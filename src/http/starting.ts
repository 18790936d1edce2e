/** What answers on the main port while the service starts: that it lives, is not ready, and what it waits for. */
import Koa, { type Context } from 'koa';
import type { Readiness } from '../api/service.ts';
import { type Listener, listen } from './listener.ts';
import { refusal, sendProblem } from './response/problem.ts';

const reasons = {
  store: 'The service is starting: it waits for its event store.',
  readModels: 'The service is starting: it folds its log.',
} as const;

/**
 * @param waitsFor what the service waits for, asked at each question
 * @throws what the system says of a port that is taken
 */
export function listenWhileStarting(
  address: { readonly host: string; readonly port: number },
  waitsFor: () => keyof typeof reasons,
): Promise<Listener> {
  const koa = new Koa();
  koa.use((ctx) => answer(ctx, waitsFor()));
  return listen(koa, address);
}

function answer(ctx: Context, waitsFor: keyof typeof reasons): void {
  // Nobody's body is waited for: there is nothing to do with it.
  ctx.req.resume();
  ctx.set('Cache-Control', 'no-store');
  if (ctx.path === '/healthz') {
    ctx.body = { status: 'up' };
    return;
  }
  const starting = refusal('store-unavailable', { detail: reasons[waitsFor] });
  if (ctx.path !== '/readyz') {
    sendProblem(ctx, starting);
    return;
  }
  ctx.status = starting.status;
  ctx.set({ ...starting.headers });
  const unready: Readiness = {
    status: 'unready',
    checks: { store: waitsFor === 'store' ? 'down' : 'up', readModels: 'down' },
  };
  ctx.body = unready;
}
