/** The HTTP side of the service: every route, on the main port and, if wanted, the door on its own. */
import { TLSSocket } from 'node:tls';
import manifest from '../../package.json' with { type: 'json' };
import type { App } from '../app.ts';
import { randomId } from '../platform/ids.ts';
import type { ServerIdentity } from '../platform/server-identity.ts';
import { httpApplication } from './application.ts';
import { carryOut, type FindRoute } from './approvals/carrying-out.ts';
import { proposing } from './approvals/proposing.ts';
import type { Edge } from './edge.ts';
import { type Listener, listen } from './listener.ts';
import { sourceReader } from './request/client-address.ts';
import { clearlyFramedOnly } from './request/framing.ts';
import { ownHostOnly } from './request/own-host.ts';
import { singleHeadersOnly } from './request/single-headers.ts';
import { wholeRowsOnly } from './request/whole-rows.ts';
import type { Route } from './route.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { auditRoutes } from './routes/audit-events.ts';
import { backupRoutes } from './routes/backup.ts';
import { brokerRoutes } from './routes/brokers.ts';
import { caRoutes } from './routes/ca.ts';
import { renewalRoutes } from './routes/certificate.ts';
import { clientRegistryRoutes } from './routes/client-registry.ts';
import { wellKnownPaseto, withDescription } from './routes/description.ts';
import { estAnswers } from './routes/est.ts';
import { estDescribed } from './routes/est-described.ts';
import { healthRoutes, liveness } from './routes/health.ts';
import { type HookOptions, hookAnswers } from './routes/hooks.ts';
import { keyRoutes } from './routes/keys.ts';
import { eventRoutes } from './routes/live-events.ts';
import { notificationRoutes } from './routes/notifications.ts';
import { pageRoutes } from './routes/page.ts';
import { preauthorizationRoutes } from './routes/preauthorizations.ts';
import { doorRoutes } from './routes/register.ts';
import { roleRoutes } from './routes/roles.ts';
import { singleSignOnRoutes } from './routes/single-sign-on.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { userRoutes } from './routes/users.ts';
import { windowScheduleRoutes } from './routes/windows.ts';

/** Where it listens, `http://127.0.0.1:8080`; what is off is absent. */
interface HttpAddresses {
  readonly http?: string;
  readonly https?: string;
  /** The door alone. */
  readonly door?: string;
  readonly doors?: string;
}

interface HttpService {
  readonly addresses: HttpAddresses;
  /** Refuses what is new, ends long polls, lets the rest finish, and closes. */
  close(): Promise<void>;
}

interface Address {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

interface ListeningAt {
  readonly http?: Address;
  readonly https?: Address;
  readonly door?: Address;
  readonly doorTls?: Address;
  /** Of the ports that speak TLS. */
  readonly identity: ServerIdentity;
  readonly hooks?: HookOptions;
  readonly through?: Parameters<typeof listen>[1]['through'];
}

/** Every route of the main port, which describe themselves at `/docs`. */
export const allRoutes = (app: App): readonly Route[] => {
  const routes = [
    ...doorRoutes(app),
    ...renewalRoutes(app),
    ...clientRegistryRoutes(app),
    ...windowScheduleRoutes(app),
    ...userRoutes(app),
    ...preauthorizationRoutes(app),
    ...roleRoutes(app),
    ...tokenRoutes(app),
    ...singleSignOnRoutes(app),
    ...keyRoutes(app),
    ...auditRoutes(app),
    ...brokerRoutes(app),
    ...backupRoutes(app),
    ...eventRoutes(app),
    ...notificationRoutes(app),
    ...caRoutes(app),
    ...healthRoutes(app),
    ...pageRoutes(app),
    wellKnownPaseto(() => app.views.publicKeys()),
  ];
  const approvals = approvalRoutes(app, findingIn(routes));
  return withDescription([...routes, ...approvals], manifest.version, estDescribed);
};

const findingIn =
  (routes: readonly Route[]): FindRoute =>
  (operationId) => {
    const found = routes.find((route) => route.operationId === operationId);
    if (found === undefined) throw new Error(`no route is called ${operationId}`);
    return found;
  };

/** Carries out what was approved and is not done yet, as a crash may leave it. */
export async function carryOutApproved(app: App, olderThan: string): Promise<void> {
  const waiting = app.views
    .proposalsToCarryOut()
    .filter(({ approvals }) => (approvals.at(-1)?.at ?? '') <= olderThan);
  if (waiting.length === 0) return;
  const findRoute = findingIn(allRoutes(app));
  for (const row of waiting) await carryOut(app, findRoute, row);
}

/** What devices need, and nothing else (SPEC 13). */
export const doorOnlyRoutes = (app: App): readonly Route[] => [
  ...doorRoutes(app),
  ...renewalRoutes(app),
  ...caRoutes(app),
  liveness,
];

/** Listens. Rejects when an address cannot be had; then nothing listens. */
export async function startHttp(app: App, options: ListeningAt): Promise<HttpService> {
  const stopping = new AbortController();
  const edge = edgeOf(app, stopping.signal);
  const guards = [
    clearlyFramedOnly,
    singleHeadersOnly,
    ownHostOnly(app.config),
    wholeRowsOnly(app.readModels),
  ];
  const est = estAnswers(app, edge);
  const hooks = options.hooks && hookAnswers(options.hooks);
  const below = hooks === undefined ? [est] : [est, hooks];
  const main = httpApplication(allRoutes(app), edge, { guards, below });
  const door = httpApplication(doorOnlyRoutes(app), edge, { guards, below: [est] });
  const { identity } = options;
  const wanted = [
    ['http', main, options.http],
    ['https', main, options.https && { ...options.https, identity }],
    ['door', door, options.door],
    ['doors', door, options.doorTls && { ...options.doorTls, identity }],
  ] as const;
  const through = options.through && { through: options.through };
  const open: Listener[] = [];
  const addresses: { -readonly [Name in keyof HttpAddresses]: string } = {};
  try {
    for (const [name, application, address] of wanted) {
      if (address === undefined) continue;
      const listener = await listen(application, { ...address, ...through });
      open.push(listener);
      addresses[name] = listener.url;
    }
  } catch (error) {
    await Promise.all(open.map((listener) => listener.stop(0)));
    throw error;
  }
  return {
    addresses,
    async close() {
      stopping.abort();
      await Promise.all(open.map((listener) => listener.stop()));
    },
  };
}

const edgeOf = (app: App, stopping: AbortSignal): Edge => ({
  async authenticate(token) {
    const caller = await app.authority.caller(token);
    if (caller !== null) app.onCaller(caller.username);
    return caller;
  },
  current: (caller) => app.authority.current(caller),
  position: () => app.readModels.position(),
  reached: (position, timeoutMs) => app.reached(position, timeoutMs),
  certificateOf: ({ socket }) =>
    socket instanceof TLSSocket ? app.clientCertificates.of(socket) : null,
  sourceOf: sourceReader(app.config.trustedProxies),
  commandFrom: app.operatorLog.commandFrom,
  tracedAs: app.operatorLog.tracedAs,
  metrics: app.metrics,
  logger: app.logger,
  newId: randomId,
  proposing: (route, request) => proposing(app, route, request),
  behindHttps: app.config.publicUrl?.startsWith('https:') === true,
  strictTransport: app.config.tls.given !== null && app.config.httpPort === null,
  stopping,
});
