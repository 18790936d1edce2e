/** Answers brokers that ask over HTTP who may connect, publish and subscribe, from memory alone. */
import { type CompiledPermissions, mayPublish, mayRead } from '../../../domain/matching.ts';
import type { Authority } from '../../authority.ts';
import { mqttClientIdLengthMax, mqttTopicBytesMax } from '../../limits/mqtt.ts';
import { type Soon, soon } from '../../platform/soon.ts';
import type {
  Admission,
  Authenticator,
  ConnectAttempt,
  ShownCertificate,
} from '../ports/authenticator.ts';
import { type Admissions, createAdmissions, rightsDigest } from './admissions.ts';
import { type SessionsByCertificate, sessionsByCertificate } from './by-certificate.ts';
import type { HookKind } from './kinds.ts';

export interface Hooks extends SessionsByCertificate {
  readonly admissions: Readonly<Record<HookKind, Admissions>>;
  /** Null: refused, or the registry cannot decide. Never throws nor rejects. */
  connect(kind: HookKind, attempt: ConnectAttempt): Soon<Admission | null>;
  /** The certificate of this registry that a broker tells whole, PEM; null: none, or somebody else's. */
  certificateOf(pem: string): ShownCertificate | null;
  /** The client, if it is active now; where a client id is given and pinned, only with that one. */
  activeClient(
    username: string | undefined,
    clientId: string | undefined,
  ): ActiveClient | undefined;
  /** Whether it may publish to a topic, its prefix included; no client writes to `$` topics. */
  mayPublish(client: ActiveClient, topic: string): boolean;
  mayRead(client: ActiveClient, filter: string): boolean;
  /** When an admission ends by itself, ISO; null: not yet known. */
  endOf(admission: Admission): string | null;
}

export interface ActiveClient {
  readonly permissions: CompiledPermissions;
  readonly publishPrefix: string | null;
}

const fits = (text: string) =>
  text !== '' && Buffer.byteLength(text) <= mqttTopicBytesMax && !text.includes('\0');

/** `+` and `#` are whole levels, `#` the last one [MQTT-4.7.1-2] [MQTT-4.7.1-3]. */
const isFilter = (text: string) =>
  text
    .split('/')
    .every(
      (level, at, levels) =>
        level === '+' || (level === '#' && at === levels.length - 1) || !/[+#]/.test(level),
    );

/** The filter of a shared subscription, `$share/NAME/FILTER` [MQTT 5, 4.8.2]: it reads what that filter reads. */
export const withoutShareName = (filter: string): string =>
  filter.replace(/^\$share\/[^/+#]+\//, '');

const onTopics: Pick<Hooks, 'mayPublish' | 'mayRead'> = {
  mayPublish: ({ permissions }, topic) =>
    fits(topic) && !topic.startsWith('$') && !/[+#]/.test(topic) && mayPublish(permissions, topic),
  mayRead: ({ permissions }, filter) =>
    fits(filter) && isFilter(filter) && mayRead(permissions, filter),
};

interface HooksOptions {
  readonly authenticator: Authenticator;
  readonly authority: Pick<Authority, 'active'>;
  /** When an account's access ends by itself, ISO; null: never, or it has none. */
  readonly accessEnd: (username: string) => string | null;
  /** When a token ends, ISO. */
  readonly tokenEnd: (tokenId: string) => string | null;
  /** Whether somebody has this name and a credential: nobody else connects with it as a client id. */
  readonly isUsername: (name: string) => boolean;
  readonly certificateOf: (pem: string) => ShownCertificate | null;
  /** Whether certificates count that the broker has checked, at this moment. */
  readonly byCertificate: () => boolean;
  readonly onConnect?: (outcome: 'admitted' | 'refused' | 'unavailable') => void;
  /** Told of a client that was let in, or that asked for more since. */
  readonly onSeen?: (username: string, how: 'opened' | 'asked') => void;
}

export function createHooks(options: HooksOptions): Hooks {
  const { authenticator, authority, tokenEnd } = options;
  const admissions = {
    emqx: createAdmissions(),
    rabbitmq: createAdmissions(),
    vernemq: createAdmissions(),
    'mosquitto-go-auth': createAdmissions(),
  };
  const mayUse = (
    { username, pinnedClientId }: Pick<Admission, 'username' | 'pinnedClientId'>,
    clientId: string,
  ): boolean =>
    pinnedClientId === null
      ? clientId === username || !options.isUsername(clientId)
      : clientId === pinnedClientId;

  return {
    admissions,
    certificateOf: options.certificateOf,
    connect(kind, attempt) {
      const { clientId } = attempt;
      const known = clientId.length <= mqttClientIdLengthMax && !clientId.includes('\0');
      const judged = authenticator.authenticate(known ? attempt : { ...attempt, clientId: '' });
      return soon(judged, (answer) => {
        const isFree = answer.admitted && known && mayUse(answer.admission, clientId);
        options.onConnect?.(answer.admitted ? (isFree ? 'admitted' : 'refused') : answer.reason);
        if (!answer.admitted || !isFree) return null;
        const { admission } = answer;
        const { username, credentialId, tokenId } = admission;
        admissions[kind].remember(username, clientId, {
          ...{ credentialId, tokenId, certificateSerial: admission.certificate?.serial ?? null },
          rights: admission.held ?? rightsDigest(admission),
          atMs: performance.now(),
        });
        options.onSeen?.(username, 'opened');
        return admission;
      });
    },
    ...sessionsByCertificate({ ...options, admissions, mayUse }),
    activeClient(username, clientId) {
      const found = username === undefined ? undefined : authority.active(username);
      if (found?.row.status !== 'active') return undefined;
      const { mqttPublishPrefix, mqttClientId } = found.row.rights;
      if (mqttClientId !== null && clientId !== undefined && clientId !== mqttClientId)
        return undefined;
      options.onSeen?.(found.row.username, 'asked');
      return { permissions: found.permissions, publishPrefix: mqttPublishPrefix };
    },
    ...onTopics,
    endOf({ username, tokenId, certificate }) {
      const ends = [
        options.accessEnd(username),
        tokenId === null ? null : tokenEnd(tokenId),
        certificate === null ? null : certificate.notAfter,
      ].filter((end) => end !== null);
      return ends.sort()[0] ?? null;
    },
  };
}
