/** Builds what stands between the edges and the log: credentials, doors, administration, views and audit. */
import { clientStatuses } from '../../domain/client/state.ts';
import { ownSecretOf } from '../../domain/enrolment-code.ts';
import { createAdministration } from '../administration/administration.ts';
import type { App } from '../app.ts';
import { checkpointFile, createAudit } from '../audit/audit.ts';
import { createEvidence } from '../audit/evidence/evidence.ts';
import { type Authority, createAuthority } from '../authority.ts';
import { createBackups } from '../backup/backups.ts';
import type { ActivationObstacle } from '../broker/ports/activation.ts';
import type { Staged } from '../broker/ports/broker.ts';
import type { EmbeddedBroker } from '../broker/ports/embedded.ts';
import { createClients } from '../commands/client-commands.ts';
import { clientsAtHand } from '../commands/clients-at-hand.ts';
import { Refused } from '../commands/refused.ts';
import { rowsAtHand } from '../commands/rows-at-hand.ts';
import type { Config } from '../config/config.ts';
import { passwordFaults } from '../config/password-policy.ts';
import { personNameTest } from '../config/sso.ts';
import type { DiskSpace } from '../jobs/disk-space.ts';
import { createErasures, type Erasures } from '../jobs/erasures.ts';
import { loginFailuresPerMinute, neighbourFailuresFactor } from '../limits/doors.ts';
import { positionWaitMs } from '../limits/http.ts';
import { certificateExpiringDays, grantEndingDays } from '../limits/jobs.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { createLiveEvents } from '../notifications/live-events.ts';
import { createOperatorLog } from '../notifications/operator-log.ts';
import { createSourceThrottle, type SourceThrottle } from '../platform/source-throttle.ts';
import { type RowsOf, rowsOf } from '../read-models/all.ts';
import type { ReadModels } from '../read-models/read-models.ts';
import { createCertificates } from '../registration/certificates.ts';
import { createClientCertificates } from '../registration/client-certificate.ts';
import { createRenewals } from '../registration/renewals.ts';
import { createRevocationList } from '../registration/revocation-list.ts';
import { registrationTokenGraceMs } from '../registration/tokens.ts';
import type { Sightings } from '../sightings/sightings.ts';
import type { EventStore } from '../store/event-store.ts';
import { withHealth } from '../store/health.ts';
import { countOfEnding, heldCount } from '../views/users/ends.ts';
import { createViews, type Views } from '../views/views.ts';
import { listenInOrder } from './applied-listeners.ts';
import { type CredentialLimits, type Credentials, openCredentials } from './credentials.ts';
import { buildDoors, type Doors } from './doors.ts';
import { examineInstallation } from './offline/doctor/doctor.ts';
import { serverNameTest } from './tls.ts';

export interface ServiceOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly store: EventStore;
  readonly readModels: ReadModels;
  readonly now: () => string;
  readonly disk: DiskSpace;
  /** Whether the store answered lately enough to admit anybody, and the rows have what was told of them. */
  readonly inTouch: () => boolean;
  /** Other limits than the named ones, so that a test can reach them. */
  readonly limits?: CredentialLimits | undefined;
  readonly broker: () => EmbeddedBroker | null;
  readonly sightings: Sightings;
  readonly brokers: () => readonly { readonly name: string; readonly urls: readonly string[] }[];
  /**
   * Resolves when everything up to a position is in force at the brokers, or that takes too long. The
   * doors wait for the `embedded` one alone.
   */
  readonly enforced: (position: string, brokers: 'all' | 'embedded') => Promise<void>;
  /** Hands on a password that was just proven or made; never waits, never throws. */
  readonly stage: (staged: Staged) => void;
  /** Why a client is not active at a broker. */
  readonly activationObstacle: (broker: string, username: string) => ActivationObstacle | undefined;
}

export type Service = Awaited<ReturnType<typeof buildService>>;

/** @throws KeyFileRefused, ConfigError, KeysDiffer */
export async function buildService(given: ServiceOptions) {
  const { store, fault: storeFault } = withHealth(given.store);
  const options: ServiceOptions = { ...given, store };
  const { config, logger, metrics, readModels, now } = options;
  const credentials = await openCredentials(options);
  const rows = rowsOf(readModels);
  const applied = listenInOrder(readModels);
  const authority = createAuthority({
    ...{ access: rows.access, roles: rows.roles, tokenRows: rows.tokens },
    ...{ tokens: credentials.tokens, onApplied: applied.as('authority'), now },
  });
  const liveEvents = createLiveEvents({
    history: rows.history,
    onApplied: applied.as('live-events'),
  });
  applied.as('sightings')(options.sightings.applied);
  const isKnown = (username: string) => authority.principal(username) !== undefined;
  const operatorLog = createOperatorLog({ logger, isKnown });
  applied.as('operator-log')(operatorLog.applied);
  const shared = { credentials, rows, authority, throttles: throttlesOf(config) };
  const clients = clientsSettledAt('all', options, credentials);
  const doorClients = clientsSettledAt('embedded', options, credentials);
  const doors = buildDoors(options, {
    ...{ ...shared, applied, liveEvents, operatorLog, clients: doorClients },
  });
  const issuing = buildIssuing(options, { ...shared, applied, clients: doorClients });
  const administration = buildAdministration(options, { ...shared, clients, doors });
  const erasures = createErasures({ store: given.store, history: rows.history, logger });
  const views = buildViews(options, { ...shared, doors, erasures });
  const audit = buildAudit(options, { ...shared, views, doors });
  const backups = backupsOf(options, audit);
  const { turnedAway, rules, logins, registration } = doors;
  const faultsOf = (password: string) =>
    passwordFaults(ownSecretOf(password), config.passwordPolicy);
  observeService(options, { ...shared, doors, views, erasures });

  const app: Omit<App, 'health' | 'brokers' | 'deadLetters'> = {
    ...{ registration, authority, administration, views, audit, liveEvents, readModels, backups },
    evidence: evidenceOf(options, { audit, views, authority, credentials, rows }),
    operatorLog,
    ...{ ...issuing, ca: credentials.ca, answers: credentials.answers },
    isServerName: serverNameTest(config),
    onCaller: (username) => options.sightings.seen(username, Date.parse(now())),
    isPersonName: personNameTest(config.sso),
    passwordFaults: faultsOf,
    reached: (at, timeoutMs) => readModels.reached(at, timeoutMs),
    upToDate: async () => await requireReached(readModels, await store.head()),
    ...{ now, metrics, logger, config },
  };
  const { vault, passwords, ca, brokerSecretOf } = credentials;
  return {
    ...{ app, rows, audit, clients, vault, passwords, ca, authority, registration, turnedAway },
    // What the clock does nobody waits for: the brokers follow by themselves, and ten thousand end at once.
    clientsByClock: clientsSettledAt('none', options, credentials),
    ...{ passwordFaults: faultsOf, storeFault, erasures, rules, logins },
    clientCertificates: issuing.clientCertificates,
    brokerSecretOf,
    /** For who listens later than the service is built. */
    onApplied: { notifications: applied.as('notifications'), siem: applied.as('siem') },
    /** Once the read models are as far as the log: counts who waits, so that the doors can open. */
    async begin(): Promise<void> {
      await doors.begin();
      operatorLog.begin();
    },
  };
}

const throttlesOf = ({ sourceAttemptsPerMinute }: Config): Shared['throttles'] => ({
  sources: createSourceThrottle(sourceAttemptsPerMinute, neighbourFailuresFactor),
  names: createSourceThrottle(loginFailuresPerMinute, neighbourFailuresFactor),
});

const evidenceOf = (
  { config, now }: ServiceOptions,
  {
    audit,
    views,
    authority,
    credentials,
    rows,
  }: Pick<Shared, 'authority' | 'credentials' | 'rows'> & {
    readonly audit: ReturnType<typeof buildAudit>;
    readonly views: Views;
  },
) =>
  createEvidence({
    ...{ config, audit, views, authority, now, ca: credentials.ca, clients: rows.clients },
    examine: () => examineInstallation(config, now),
  });

const backupsOf = (
  { store, readModels, now, config }: ServiceOptions,
  { checkpoints }: ReturnType<typeof buildAudit>,
) =>
  createBackups({
    ...{ store, readModels, now, keysDir: config.keysDir },
    checkpointFile: checkpointFile(config.dataDir),
    signedAt: checkpoints.signedAt,
  });

/** @throws Refused `position-not-reached` */
async function requireReached(
  readModels: Pick<ReadModels, 'reached'>,
  position: string,
): Promise<void> {
  if (await readModels.reached(position, positionWaitMs)) return;
  throw new Refused('position-not-reached', { retryAfterSeconds: 1 });
}

/** What several builders need. */
interface Shared {
  readonly credentials: Credentials;
  readonly rows: RowsOf;
  readonly authority: Authority;
  readonly throttles: { readonly sources: SourceThrottle; readonly names: SourceThrottle };
}

/** What issues certificates, knows whose one is, and lists those that are revoked. */
function buildIssuing(
  { store, readModels, config, now }: ServiceOptions,
  {
    credentials,
    rows,
    authority,
    applied,
    clients,
  }: Shared & {
    readonly applied: ReturnType<typeof listenInOrder>;
    readonly clients: ReturnType<typeof createClients>;
  },
) {
  const certificates = createCertificates({
    ...{ clients, rows, ca: credentials.ca, now, ttlMs: config.certificateTtlMs },
    isServerName: serverNameTest(config),
  });
  const clientCertificates = createClientCertificates({
    ...{ authority, clients, ca: credentials.ca, now },
  });
  const revocationList = createRevocationList({
    ...{ rows, store, ca: credentials.ca, now, onApplied: applied.as('revocation-list') },
    reached: (position, timeoutMs) => readModels.reached(position, timeoutMs),
  });
  return {
    certificates,
    clientCertificates,
    revocationList,
    renewals: createRenewals(certificates),
  };
}

/** Resolves when what stands at a position is readable here, and in force at these brokers. */
const settledAt =
  (brokers: 'all' | 'embedded' | 'none', { readModels, enforced }: ServiceOptions) =>
  async (position: string, changesAccess = true): Promise<void> => {
    if (!(await readModels.reached(position, positionWaitMs)))
      throw new Refused('position-not-reached', {
        detail: 'It is recorded, but cannot be read yet: ask for it again.',
      });
    if (changesAccess && brokers !== 'none') await enforced(position, brokers);
  };

const clientsSettledAt = (
  brokers: 'all' | 'embedded' | 'none',
  options: ServiceOptions,
  { vault, passwords }: Credentials,
) => {
  const settled = settledAt(brokers, options);
  const atHand = clientsAtHand(options.readModels);
  // The doors decide by rows that may be behind: what they give is limited by what they knew (docs/decisions/0055).
  const caughtUp =
    brokers === 'all'
      ? (position: string) => requireReached(options.readModels, position)
      : undefined;
  const { store } = options;
  return createClients({ store, vault, forget: passwords.forget, settled, atHand, caughtUp });
};

function buildAdministration(
  options: ServiceOptions,
  parts: Shared & { readonly clients: ReturnType<typeof createClients>; readonly doors: Doors },
) {
  const { config, metrics, readModels, store, now } = options;
  const { credentials, rows, authority, clients, doors, throttles } = parts;
  const { passwords, proofs, seen, vault, tokens, pace, signOn, foreign } = credentials;
  return createAdministration({
    ...{ store, clients, authority, rows, now, passwords, proofs, seen, vault, tokens, pace },
    ...{ settled: settledAt('all', options), foreign },
    caughtUp: (position) => requireReached(readModels, position),
    position: () => readModels.position(),
    atHand: rowsAtHand(readModels),
    turnedAway: doors.turnedAway,
    throttles,
    ...{ signOn, signInMs: config.sso?.sessionMs ?? 0 },
    approvalTtlMs: config.approvals.ttlMs,
    registrationTokenMs: config.pendingTtlMs + registrationTokenGraceMs,
    onDecision: (decision) => metrics.decisions.inc({ decision }),
    onCredential: options.stage,
  });
}

function buildViews(
  { config, broker, brokers, activationObstacle, sightings, now }: ServiceOptions,
  parts: Shared & { readonly doors: Doors; readonly erasures: Erasures },
) {
  const { credentials, rows, authority, doors, erasures } = parts;
  const { personal, tokens } = credentials;
  return createViews({
    erasures,
    ...{ rows, authority, personal, tokens, now, broker, brokers, activationObstacle, sightings },
    staleAfterMs: config.staleAfterMs,
    knocks: doors.knocks,
    pendingCount: () => doors.capacity.pending(),
  });
}

function buildAudit(
  { config, store, readModels, now }: ServiceOptions,
  parts: Shared & { readonly views: Views; readonly doors: Doors },
) {
  const { credentials, rows, views, doors } = parts;
  const { personal, signer } = credentials;
  return createAudit({
    ...{ store, readModels, views, personal, signer, now },
    ...{ history: rows.history, requests: rows.requests },
    turnedAway: doors.turnedAway,
    dataDir: config.dataDir,
  });
}

/** Says where metrics are read when somebody scrapes them. */
function observeService(
  { config, metrics, readModels, broker, sightings, disk, now }: ServiceOptions,
  parts: Shared & {
    readonly views: Views;
    readonly doors: Doors;
    readonly erasures: Erasures;
  },
): void {
  const { credentials, rows, views, doors, erasures } = parts;
  metrics.observe({
    windowUnlocked: () => views.window().status === 'unlocked',
    requestsPending: () => doors.capacity.pending(),
    clients: () =>
      Object.fromEntries(
        clientStatuses
          .filter((status) => status !== 'unknown')
          .map((status) => [status, rows.clients.counts.get(status) ?? 0]),
      ),
    certificatesExpiring: countOfEnding(
      { column: 'certificateEndsAt', clients: rows.clients, now },
      certificateExpiringDays,
    ),
    grantsEnding: countOfEnding({ column: 'endsAt', clients: rows.clients, now }, grantEndingDays),
    clientsStale: heldCount(now, (at) => {
      const { staleAfterMs } = config;
      return staleAfterMs === null ? 0 : sightings.countUnseen(Date.parse(at) - staleAfterMs);
    }),
    mqttSessions: () => broker()?.sessions().length ?? 0,
    erasuresPending: erasures.pendingCount,
    foreignVerifiers: () => credentials.foreign.count(),
    hashQueueLength: () => credentials.passwords.waiting(),
    diskFreeBytes: disk.freeBytes,
    projectionLagEvents: () => readModels.lag(),
    lastBackupSeconds: heldCount(now, () => {
      const where = [{ column: 'type', is: 'BackupTaken' }];
      const [newest] = rows.history.find({ where, order: 'newest', limit: 1 }).items;
      return newest === undefined ? 0 : Date.parse(newest.at) / 1_000;
    }),
  });
}
