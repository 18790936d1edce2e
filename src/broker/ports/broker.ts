/** The port to a broker, and what a broker asks of the registry. */
import type { CompiledPermissions } from '../../../domain/matching.ts';
import type { Permission } from '../../../domain/permission.ts';

/** What a client that connects shows. Strings are as the wire had them, not yet checked. */
export interface ConnectAttempt {
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
  readonly clientId: string;
  /** The client's address, or null where it is not known. */
  readonly source: string | null;
}

/** What an admitted client may do now. `credentialId` is null when a token let it in. */
export interface Admission {
  readonly username: string;
  readonly credentialId: string | null;
  readonly tokenId: string | null;
  readonly permissions: CompiledPermissions;
  readonly publishPrefix: string | null;
  /** The only client id this account may use; null: any. */
  readonly pinnedClientId: string | null;
}

export type ConnectAnswer =
  | { readonly admitted: true; readonly admission: Admission }
  /** `unavailable`: the registry cannot tell now (store away, hashing queue full, stopping). */
  | { readonly admitted: false; readonly reason: 'refused' | 'unavailable' };

/**
 * The registry as the embedded broker sees it. Never rejects: a fault is `unavailable`. Who is admitted
 * is who asked: the admission has the attempt's username. One CONNECT may be asked about again, up to
 * three times in all, when `setAuthorization` or `endSessions` came for that username after the
 * question: the answer must be at least as new as they are.
 */
export interface Authenticator {
  authenticate(attempt: ConnectAttempt): Promise<ConnectAnswer>;
}

/** One live session, for people to look at. */
export interface BrokerSession {
  readonly username: string;
  readonly clientId: string;
  readonly source: string | null;
  readonly protocol: 'mqtt-3.1' | 'mqtt-3.1.1' | 'mqtt-5';
  readonly since: string;
}

/** What the embedded broker offers to the registry beside its listeners. */
export interface EmbeddedBroker {
  /**
   * Puts other rights in force for every live session of a user at once: later publishes, forwards and
   * subscriptions obey them, and subscriptions they no longer allow end now, stored ones too. Sessions
   * with another client id than the pinned one end as in `endSessions`.
   */
  setAuthorization(
    username: string,
    rights: Pick<Admission, 'permissions' | 'publishPrefix' | 'pinnedClientId'>,
  ): Promise<void>;
  /**
   * Closes a user's live sessions (MQTT 5: reason 0x98) and drops the stored ones with their queues and
   * wills: no will is published. With `exceptCredentialId`, sessions that this credential opened last
   * stay. With `tokenId`, only those that this token opened last end. A CONNECT that is being judged
   * meanwhile is judged anew. Resolves with the number of live sessions closed, when they are.
   */
  endSessions(
    username: string,
    options?: { exceptCredentialId?: string; tokenId?: string; reason?: string },
  ): Promise<number>;
  sessions(): readonly BrokerSession[];
  /** Live sessions of a user. */
  sessionCount(username: string): number;
  /** ISO instant of the last connect or packet, null when not seen since the start. */
  lastSeenAt(username: string): string | null;
  /**
   * Publishes a message of the registry itself; permissions apply to its readers as to any topic.
   * Resolves when every reader's socket took it, which a slow one delays by seconds.
   */
  publish(topic: string, payload: string, options?: { retain?: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** What one account is to be at a broker: which credential opens it, and what it may do. */
export interface Account {
  readonly username: string;
  readonly credentialId: string;
  /** Templates are filled in; `http` ones do not concern a broker. */
  readonly permissions: readonly Permission[];
  readonly compiled: CompiledPermissions;
  readonly publishPrefix: string | null;
  /** The only client id this account may use; null: any. */
  readonly pinnedClientId: string | null;
}

/** A password at the moment it is in memory, and the credential that it belongs to. */
export interface Staged {
  readonly username: string;
  readonly credentialId: string;
  readonly password: string;
}

/** `active` false: not yet; `detail` tells a person why, and what it waits for. */
export type ActivationOutcome =
  | { readonly active: true; readonly sessionsClosed: number }
  | { readonly active: false; readonly sessionsClosed: number; readonly detail: string };

/** An account as a broker has it. */
export interface BrokerAccount {
  readonly username: string;
  readonly enabled: boolean;
  /** What its mark says: made by this registry, and for which credential; null: somebody else's. */
  readonly mark: { readonly credentialId: string | null } | null;
  /** In the same order and words for the same rights, so that two can be compared; null: unknown. */
  readonly rights: string | null;
}

/** The broker cannot be reached, or does not answer: it is tried again when it is back. */
export class BrokerDown extends Error {
  override name = 'BrokerDown';
}

/** The broker answers, but will not do this. The message is for administrators, without secrets. */
export class BrokerRefused extends Error {
  override name = 'BrokerRefused';
}

export type BrokerKind = 'embedded' | 'mosquitto' | 'emqx' | 'rabbitmq' | 'vernemq';

/**
 * Whether a broker of this name puts the publish prefix in front of what is published; elsewhere the client
 * publishes its whole topic.
 */
export const putsPrefixInFront = (broker: string): boolean =>
  /^(embedded|vernemq)(-\d+)?$/.test(broker);

/**
 * A broker as the process manager drives it. Everything is level-triggered: repeating a call, or calling
 * after half of it was done, leads to the same end. Calls for one username never overlap.
 * All but `stage`, `status`, `urls` reject with BrokerDown or BrokerRefused.
 */
export interface Broker {
  /** Its name in events, and in `GET /api/brokers`: at most 64 characters. */
  readonly name: string;
  readonly kind: BrokerKind;
  status(): 'up' | 'down';
  /** Called when the broker is back after it was away, and may have forgotten everything. */
  onUp(listener: () => void): void;
  /** Where clients connect to; none: only the administrator knows. */
  urls(): readonly string[];
  /**
   * Takes a password that was just proven or made, if it has a use for it; false: it has none. Never
   * waits, never throws, may forget it.
   */
  stage(staged: Staged): boolean;
  /** Somebody waits for a decision: nothing is let in; what was staged may be laid ready. */
  hold(username: string, credentialId: string): Promise<void>;
  /**
   * Lets this credential in with these rights, and nothing else by this name. `before` is the credential
   * that the log knows as active there; null: none.
   */
  activate(account: Account, before: string | null): Promise<ActivationOutcome>;
  /**
   * Lets the name in no more and closes its sessions. `suspended` holds the credential that may come
   * back; null: nothing of it is needed any more. Resolves with the number of sessions closed, as far
   * as the broker can tell.
   */
  deactivate(username: string, suspended: string | null): Promise<number>;
  /** Other rights for an account that is active, in force for its live sessions. */
  setAuthorization(account: Account): Promise<void>;
  /** Closes live sessions, those of one token alone where the broker can tell them apart. */
  disconnect(username: string, options?: { tokenId?: string }): Promise<number>;
  /** Live sessions by username, where the broker can tell. */
  connected(): Iterable<string> | null;
  /** Every account there, also those of others; null: it keeps none, it asks the registry. */
  list(): Promise<readonly BrokerAccount[] | null>;
  /** What `list` would say of the rights of such an account. */
  rightsOf(account: Account): string | null;
  close(): Promise<void>;
}

export interface Drift {
  readonly username: string;
  /**
   * `stranger`: the log does not own it; `missing`: access was granted, and its credential is not there;
   * `rights`: other rights than granted; `enabled`: open though it should not be, or the reverse.
   */
  readonly kind: 'stranger' | 'missing' | 'rights' | 'enabled';
}

/** Why a client is not active at a broker. */
export interface ActivationObstacle {
  readonly status: 'waiting' | 'failed';
  readonly detail: string;
}

/** A broker as `GET /api/brokers` shows it. */
export interface LaneState {
  readonly name: string;
  readonly kind: BrokerKind;
  readonly status: 'up' | 'down';
  readonly accountCount: number;
  /** Events of the log that the broker has not yet heard of. */
  readonly lagEvents: number;
  readonly drift: readonly Drift[];
}

/** What drives the brokers, as the service sees it. */
export interface ActivationManager {
  /**
   * True once everything up to a position is in force; false after `timeoutMs`. Of `all` brokers those
   * that are down are not waited for; `own` waits for the embedded one alone.
   */
  settled(position: string, timeoutMs: number, brokers?: 'all' | 'own'): Promise<boolean>;
  /** Hands a password to the brokers that keep accounts of their own; never waits, never throws. */
  stage(staged: Staged): void;
  /** Why a client is not active at a broker; undefined: nothing is known against it. */
  obstacle(broker: string, username: string): ActivationObstacle | undefined;
  /** What `GET /api/brokers` shows, in the order of the configuration. */
  states(): readonly LaneState[];
  /** Undefined: there is no such broker. */
  reconcile(broker: string, repair: boolean): Promise<LaneState | undefined>;
  readonly ended: Promise<void>;
}
