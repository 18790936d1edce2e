/** What brokers that ask over HTTP are told: who may connect, publish and subscribe, from memory alone. */
import { createHash } from 'node:crypto';
import { type CompiledPermissions, mayPublish, mayRead } from '../../../domain/matching.ts';
import type { Authority, Principal } from '../../authority.ts';
import {
  hookAdmissionsMax,
  hookAdmissionsPerNameMax,
  mqttClientIdLengthMax,
  mqttTopicBytesMax,
} from '../../limits.ts';
import type { Admission, Authenticator, ConnectAttempt } from '../ports/broker.ts';

export const hookKinds = ['emqx', 'rabbitmq', 'vernemq'] as const;
export type HookKind = (typeof hookKinds)[number];

/** How a session came in, as far as it matters to who may stay. */
export interface Admitted {
  readonly credentialId: string | null;
  readonly tokenId: string | null;
  /** What the rights were, in a word. */
  readonly rights: string;
  /** Milliseconds of the monotonic clock. */
  readonly atMs: number;
}

/** Who was let in lately through one kind of broker; the oldest names are forgotten first. */
export interface Admissions {
  remember(username: string, clientId: string, admitted: Admitted): void;
  of(username: string): ReadonlyMap<string, Admitted>;
  forget(username: string): void;
}

export interface Hooks {
  readonly admissions: Readonly<Record<HookKind, Admissions>>;
  /** Null: refused, or the registry cannot tell. Never rejects. */
  connect(kind: HookKind, attempt: ConnectAttempt): Promise<Admission | null>;
  /** The account, where it may act now; with a client id, only as the one that it is pinned to. */
  activeClient(
    username: string | undefined,
    clientId: string | undefined,
  ): ActiveClient | undefined;
  /** Whether it may publish to a topic that stands with its prefix; no client writes to `$` topics. */
  mayPublish(standing: ActiveClient, topic: string): boolean;
  mayRead(standing: ActiveClient, filter: string): boolean;
  /** When an admission ends by itself, ISO; null: not yet known. */
  endOf(admission: Admission): string | null;
}

export interface ActiveClient {
  readonly permissions: CompiledPermissions;
  readonly publishPrefix: string | null;
}

/** What rights come to in a word, so that two can be compared. */
export function rightsWord(rights: {
  readonly permissions: CompiledPermissions;
  readonly publishPrefix: string | null;
  readonly pinnedClientId: string | null;
}): string {
  const { permissions, publishPrefix, pinnedClientId } = rights;
  const { mqttRead, mqttWrite } = permissions;
  const text = JSON.stringify([mqttRead, mqttWrite, publishPrefix, pinnedClientId]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

const nobody: ReadonlyMap<string, Admitted> = new Map();

export function createAdmissions(
  max = hookAdmissionsMax,
  perNameMax = hookAdmissionsPerNameMax,
): Admissions {
  const byName = new Map<string, Map<string, Admitted>>();
  let count = 0;
  const forget = (username: string) => {
    count -= byName.get(username)?.size ?? 0;
    byName.delete(username);
  };
  return {
    remember(username, clientId, admitted) {
      const known = byName.get(username) ?? new Map<string, Admitted>();
      count -= known.size;
      known.delete(clientId);
      known.set(clientId, admitted);
      if (known.size > perNameMax) known.delete(known.keys().next().value as string);
      count += known.size;
      // Last in line again: who came lately is remembered longest.
      byName.delete(username);
      byName.set(username, known);
      while (count > max) {
        const [oldest] = byName.keys();
        if (oldest === undefined) return;
        forget(oldest);
      }
    },
    of: (username) => byName.get(username) ?? nobody,
    forget,
  };
}

const fits = (text: string) =>
  text !== '' && Buffer.byteLength(text) <= mqttTopicBytesMax && !text.includes('\0');

/** `+` and `#` stand alone, `#` at the end [MQTT-4.7.1-2] [MQTT-4.7.1-3]. */
const isFilter = (text: string) =>
  text
    .split('/')
    .every(
      (level, at, levels) =>
        level === '+' || (level === '#' && at === levels.length - 1) || !/[+#]/.test(level),
    );

export function createHooks(options: {
  readonly authenticator: Authenticator;
  readonly authority: Pick<Authority, 'active'>;
  /** When a token ends, ISO. */
  readonly tokenEnd: (tokenId: string) => string | null;
  readonly onConnect?: (outcome: 'admitted' | 'refused' | 'unavailable') => void;
}): Hooks {
  const { authenticator, authority, tokenEnd } = options;
  const admissions = {
    emqx: createAdmissions(),
    rabbitmq: createAdmissions(),
    vernemq: createAdmissions(),
  };
  const activeOf = (username: string): Principal | undefined => authority.active(username);

  return {
    admissions,
    async connect(kind, attempt) {
      const { clientId } = attempt;
      const known = clientId.length <= mqttClientIdLengthMax && !clientId.includes('\0');
      const answer = await authenticator.authenticate({
        ...attempt,
        clientId: known ? clientId : '',
      });
      const pinned = answer.admitted ? answer.admission.pinnedClientId : null;
      const fitsPin = known && (pinned === null || pinned === clientId);
      options.onConnect?.(answer.admitted ? (fitsPin ? 'admitted' : 'refused') : answer.reason);
      if (!answer.admitted || !fitsPin) return null;
      const { admission } = answer;
      const { username, credentialId, tokenId } = admission;
      admissions[kind].remember(username, clientId, {
        ...{ credentialId, tokenId },
        rights: rightsWord(admission),
        atMs: performance.now(),
      });
      return admission;
    },
    activeClient(username, clientId) {
      const found = username === undefined ? undefined : activeOf(username);
      if (found?.row.status !== 'active') return undefined;
      const { mqttPublishPrefix, mqttClientId } = found.row.rights;
      if (mqttClientId !== null && clientId !== undefined && clientId !== mqttClientId)
        return undefined;
      return { permissions: found.permissions, publishPrefix: mqttPublishPrefix };
    },
    mayPublish: ({ permissions }, topic) =>
      fits(topic) &&
      !topic.startsWith('$') &&
      !/[+#]/.test(topic) &&
      mayPublish(permissions, topic),
    mayRead: ({ permissions }, filter) =>
      fits(filter) && isFilter(filter) && mayRead(permissions, filter),
    endOf({ username, tokenId }) {
      const found = activeOf(username);
      const ends = [
        found?.row.status === 'active' ? found.row.rights.expiresAt : null,
        tokenId === null ? null : tokenEnd(tokenId),
      ].filter((end) => end !== null);
      return ends.sort()[0] ?? null;
    },
  };
}
