/** Answers brokers that ask over HTTP who may connect, publish and subscribe, from memory alone. */
import { type CompiledPermissions, mayPublish, mayRead } from '../../../domain/matching.ts';
import type { TokenRow } from '../../../projections/tokens.ts';
import type { Authority } from '../../authority.ts';
import { mqttClientIdLengthMax, mqttTopicBytesMax } from '../../limits/mqtt.ts';
import { type Soon, soon } from '../../platform/soon.ts';
import type { Rows } from '../../read-models/row-table.ts';
import type {
  Admission,
  Authenticator,
  ConnectAttempt,
  ShownCertificate,
} from '../ports/authenticator.ts';
import { type Admissions, type Admitted, createAdmissions, rightsDigest } from './admissions.ts';
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
  /**
   * The same at a broker whose sessions cannot be ended from here: what its session came in by has to open still. Of a session that
   * is not remembered the client alone is looked at; where no client id is told, one of all that are has to stand.
   */
  activeSession(
    kind: HookKind,
    username: string,
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
  readonly authority: Pick<Authority, 'active' | 'tokenActs'>;
  /** When an account's access ends by itself, ISO; null: never, or it has none. */
  readonly accessEnd: (username: string) => string | null;
  readonly tokens: Pick<Rows<TokenRow>, 'get'>;
  /** Whether somebody has this name and a credential: nobody else connects with it as a client id. */
  readonly isUsername: (name: string) => boolean;
  readonly certificateOf: (pem: string) => ShownCertificate | null;
  /** Whether certificates count that the broker has checked, at this moment. */
  readonly byCertificate: () => boolean;
  readonly onConnect?: (outcome: 'admitted' | 'refused' | 'unavailable') => void;
  /** Told of a client that was let in, or that asked for more since. */
  readonly onSeen?: (username: string, how: 'opened' | 'asked') => void;
}

function activeClients(
  { authority, tokens, onSeen }: HooksOptions,
  admissions: Hooks['admissions'],
): Pick<Hooks, 'activeClient' | 'activeSession'> {
  function active(username: string | undefined, clientId: string | undefined) {
    const found = username === undefined ? undefined : authority.active(username);
    if (found?.row.status !== 'active') return undefined;
    const { row, permissions } = found;
    const { mqttClientId } = row.rights;
    const isOther = mqttClientId !== null && clientId !== undefined && clientId !== mqttClientId;
    return isOther ? undefined : { row, permissions };
  }
  type Active = NonNullable<ReturnType<typeof active>>;

  /** By a password that is no longer the client's, or a token that is over, nobody comes in, and nothing stays. */
  function opens({ credentialId, tokenId }: Admitted, row: Active['row']): boolean {
    const token = tokenId === null ? undefined : tokens.get(tokenId);
    return tokenId === null
      ? credentialId === row.credentialId
      : token !== undefined && authority.tokenActs(token, row);
  }

  function seen(found: Active | undefined): ActiveClient | undefined {
    if (found === undefined) return undefined;
    onSeen?.(found.row.username, 'asked');
    return { permissions: found.permissions, publishPrefix: found.row.rights.mqttPublishPrefix };
  }

  return {
    activeClient: (username, clientId) => seen(active(username, clientId)),
    activeSession(kind, username, clientId) {
      const found = active(username, clientId);
      if (found === undefined) return undefined;
      const all = admissions[kind].of(username);
      const known = clientId === undefined ? [...all.values()] : [all.get(clientId)];
      const stands = (one: Admitted | undefined) => one === undefined || opens(one, found.row);
      return known.length === 0 || known.some(stands) ? seen(found) : undefined;
    },
  };
}

export function createHooks(options: HooksOptions): Hooks {
  const { authenticator, tokens } = options;
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
    ...activeClients(options, admissions),
    ...onTopics,
    endOf({ username, tokenId, certificate }) {
      const ends = [
        options.accessEnd(username),
        tokenId === null ? null : (tokens.get(tokenId)?.expiresAt ?? null),
        certificate === null ? null : certificate.notAfter,
      ].filter((end) => end !== null);
      return ends.sort()[0] ?? null;
    },
  };
}
