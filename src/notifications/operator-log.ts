/**
 * What whoever runs the machine reads at level info: the lock, who asks, what was decided, whose sign-in failed; by name and
 * network. Never an address: log lines are kept where no erasure reaches (docs/decisions/0049). However many there are to
 * be, a minute has so many of a kind, and then says how many were left out.
 */
import { operatorLinesPerMinuteMax, sourcesRememberedMax } from '../limits/notifications.ts';
import type { Logger } from '../logger.ts';
import { BoundedMap } from '../platform/bounded-map.ts';
import { networkText } from '../platform/networks.ts';
import type { StoredEvent } from '../store/event-store.ts';

type LineKind = 'window' | 'request' | 'decision' | 'sign-in' | 'log';

const minuteMs = 60_000;

/** What an event is to an operator; others are nothing to them. */
const told: Readonly<Record<string, readonly [kind: LineKind, msg: string]>> = {
  RegistryUnlocked: ['window', 'The registry was unlocked'],
  RegistryLocked: ['window', 'The registry was locked'],
  RegistrationRequested: ['request', 'A client asks for access'],
  ReplacementRequested: ['request', 'Somebody asks for a name that has access'],
  RegistrationContested: ['request', 'A request is contested'],
  RegistrationGranted: ['decision', 'A request was granted'],
  ReplacementGranted: ['decision', 'A request was granted'],
  RegistrationDenied: ['decision', 'A request was denied'],
  ReplacementDenied: ['decision', 'A request was denied'],
  ClientCreated: ['decision', 'A user was made'],
  AccessSuspended: ['decision', 'Access was suspended'],
  AccessResumed: ['decision', 'Access was resumed'],
  AccessRevoked: ['decision', 'Access was revoked'],
  AccessReinstated: ['decision', 'A name may ask again'],
  ClientErased: ['decision', 'A name was erased'],
  BackupTaken: ['log', 'A backup is taken'],
};

/** The members of an event that are no secret and no person's. */
const shown = ['username', 'requestId', 'until', 'withKeys'] as const;

export interface OperatorLog {
  /** From now on: what is folded before is history. */
  begin(): void;
  applied(events: readonly Pick<StoredEvent, 'type' | 'data' | 'metadata'>[]): void;
  /** Where the command comes from that has this correlation id. */
  commandFrom(correlationId: string, source: string | null): void;
  /** Which trace of the sender's the command with this correlation id belongs to. */
  tracedAs(correlationId: string, traceId: string): void;
  /** `username` as it was sent: a password may be typed there, so that only a name that there is is said. */
  signInFailed(username: string, source: string | null, code: string, correlationId?: string): void;
}

/** So many lines of each kind in a minute. */
function bounded(logger: Logger, perMinuteMax: number) {
  const counts = new Map<LineKind, number>();
  let isCounting = false;
  function sum(): void {
    isCounting = false;
    for (const [kind, count] of counts)
      if (count > perMinuteMax)
        logger.info('Lines were left out: there were too many in a minute', {
          ...{ kind, count: count - perMinuteMax },
        });
    counts.clear();
  }
  return (kind: LineKind, msg: string, fields: () => Readonly<Record<string, unknown>>): void => {
    if (!isCounting) setTimeout(sum, minuteMs).unref();
    isCounting = true;
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    if (count <= perMinuteMax) logger.info(msg, fields);
  };
}

export function createOperatorLog(options: {
  readonly logger: Logger;
  readonly isKnown: (username: string) => boolean;
  /** Other than the limit. */
  readonly perMinuteMax?: number;
}): OperatorLog {
  const { logger, isKnown, perMinuteMax = operatorLinesPerMinuteMax } = options;
  const say = bounded(logger, perMinuteMax);
  const sources = new BoundedMap<string, string | null>(sourcesRememberedMax);
  const traces = new BoundedMap<string, string>(sourcesRememberedMax);
  let hasBegun = false;
  return {
    begin() {
      hasBegun = true;
    },
    applied(events) {
      if (!hasBegun) return;
      for (const { type, data, metadata } of events) {
        const line = told[type];
        if (line === undefined) continue;
        const [kind, msg] = line;
        // Made where the line is written: in busy minutes most are not.
        say(kind, msg, () => {
          const { name } = (data.by ?? {}) as { readonly name?: unknown };
          const fields = shown
            .filter((key) => data[key] !== undefined)
            .map((key) => [key, data[key]]);
          const network = networkText(sources.get(metadata.correlationId) ?? null);
          const traceId = traces.get(metadata.correlationId);
          return { ...Object.fromEntries(fields), by: name, network, traceId };
        });
      }
    },
    commandFrom: (correlationId, source) => sources.set(correlationId, source),
    tracedAs: (correlationId, traceId) => traces.set(correlationId, traceId),
    signInFailed(username, source, code, correlationId = '') {
      const known = isKnown(username) ? { username } : { username: null };
      const traceId = traces.get(correlationId);
      say('sign-in', 'A sign-in failed', () => ({
        ...{ ...known, network: networkText(source), code, traceId },
      }));
    },
  };
}
