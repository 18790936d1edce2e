/** The HTTP side of the service: every route, on the main port and, if wanted, the door on its own. */
import { randomUUID } from 'node:crypto';
import manifest from '../../package.json' with { type: 'json' };
import type { App } from '../app.ts';
import { httpApplication } from './application.ts';
import type { Edge } from './edge.ts';
import { listen } from './listener.ts';
import { sourceReader } from './request/client-address.ts';
import { ownHostOnly } from './request/own-host.ts';
import { singleHeadersOnly } from './request/single-headers.ts';
import type { Route } from './route.ts';
import { auditRoutes } from './routes/audit-events.ts';
import { brokerRoutes } from './routes/brokers.ts';
import { clientRegistryRoutes } from './routes/client-registry.ts';
import { wellKnownPaseto, withDescription } from './routes/description.ts';
import { healthRoutes, liveness } from './routes/health.ts';
import { type HookOptions, hookAnswers } from './routes/hooks.ts';
import { keyRoutes } from './routes/keys.ts';
import { eventRoutes } from './routes/live-events.ts';
import { notificationRoutes } from './routes/notifications.ts';
import { pageRoutes } from './routes/page.ts';
import { doorRoutes } from './routes/register.ts';
import { roleRoutes } from './routes/roles.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { userRoutes } from './routes/users.ts';

interface HttpService {
  /** Where the main port listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Where the door listens alone; absent when it does not. */
  readonly doorUrl?: string;
  /** Refuses what is new, ends long polls, lets the rest finish, and closes. */
  close(): Promise<void>;
}

interface Address {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** Every route of the main port, which describe themselves at `/docs`. */
export const allRoutes = (app: App): readonly Route[] =>
  withDescription(
    [
      ...doorRoutes(app),
      ...clientRegistryRoutes(app),
      ...userRoutes(app),
      ...roleRoutes(app),
      ...tokenRoutes(app),
      ...keyRoutes(app),
      ...auditRoutes(app),
      ...brokerRoutes(app),
      ...eventRoutes(app),
      ...notificationRoutes(app),
      ...healthRoutes(app),
      ...pageRoutes(app),
      wellKnownPaseto(() => app.views.publicKeys()),
    ],
    manifest.version,
  );

/** What devices need, and nothing else (SPEC 13). */
export const doorOnlyRoutes = (app: App): readonly Route[] => [...doorRoutes(app), liveness];

/** Listens. Rejects when an address cannot be had; then nothing listens. */
export async function startHttp(
  app: App,
  options: Address & { readonly door?: Address | undefined; readonly hooks?: HookOptions },
): Promise<HttpService> {
  const stopping = new AbortController();
  const edge: Edge = {
    authenticate: (token) => app.authority.caller(token),
    current: (caller) => app.authority.current(caller),
    position: () => app.readModels.position(),
    reached: (position, timeoutMs) => app.reached(position, timeoutMs),
    sourceOf: sourceReader(app.config.trustedProxies),
    metrics: app.metrics,
    logger: app.logger,
    newId: randomUUID,
    https: app.config.publicUrl?.startsWith('https:') === true,
    stopping: stopping.signal,
  };
  const guards = [singleHeadersOnly, ownHostOnly(app.config)];
  const before = options.hooks === undefined ? [] : [hookAnswers(options.hooks)];
  const main = await listen(httpApplication(allRoutes(app), edge, { guards, before }), options);
  const door =
    options.door &&
    (await listen(httpApplication(doorOnlyRoutes(app), edge, { guards }), options.door).catch(
      async (error: unknown) => {
        await main.stop(0);
        throw error;
      },
    ));
  return {
    url: main.url,
    ...(door === undefined ? {} : { doorUrl: door.url }),
    async close() {
      stopping.abort();
      await Promise.all([main.stop(), door?.stop()]);
    },
  };
}
