/** The port of the embedded broker, as the service uses it beside its listeners. */
import type { Admission } from './authenticator.ts';

/** One live session, for people to look at. */
export interface BrokerSession {
  readonly username: string;
  readonly clientId: string;
  readonly source: string | null;
  readonly protocol: 'mqtt-3.1' | 'mqtt-3.1.1' | 'mqtt-5';
  readonly since: string;
}

/** That a user was seen: milliseconds since the epoch. */
export interface SeenUser {
  readonly username: string;
  readonly atMs: number;
}

/** A limit of the MQTT side by which something was refused or dropped, as the metric names it. */
export type MqttLimit =
  | 'connections'
  | 'connections-per-source'
  | 'sessions-per-user'
  | 'stored-sessions-per-user'
  | 'stored-sessions'
  | 'client-id'
  | 'subscriptions-per-user'
  | 'filter-levels-per-user'
  | 'queue-per-session'
  | 'queue-per-user'
  | 'queue'
  | 'retained-per-user'
  | 'retained'
  | 'received-per-session'
  | 'unread-per-session'
  | 'unread-per-user'
  | 'unread'
  | 'slow-reader';

/** Retained messages that are made when somebody subscribes, and stored nowhere. */
export interface RenderedMessages {
  /** Whether the retained message of a topic is one of them. */
  has(topic: string): boolean;
  /** Those that a filter matches. */
  matching(filter: string): AsyncIterable<{ readonly topic: string; readonly payload: string }>;
}

/** What the embedded broker offers to the registry beside its listeners. */
export interface EmbeddedBroker {
  /**
   * Puts other rights in force for every live session of a user at once: later publishes, forwards and
   * subscriptions are judged by them, and subscriptions they no longer allow end now, stored ones too. Sessions
   * with another client id than the pinned one end as in `endSessions`.
   */
  setAuthorization(
    username: string,
    rights: Pick<Admission, 'permissions' | 'publishPrefix' | 'pinnedClientId'>,
  ): Promise<void>;
  /**
   * Closes a user's live sessions (MQTT 5: reason 0x98) and drops the stored ones with their queues and
   * wills: no will is published. With `exceptCredentialId`, sessions that this credential opened last
   * stay. With `tokenIds`, only those that one of these tokens opened last end; with `notByCertificate`, only those that a
   * certificate of another serial opened last. A CONNECT that is being judged
   * meanwhile is judged anew. Resolves with the number of live sessions closed, when they are.
   */
  endSessions(
    username: string,
    options?: {
      exceptCredentialId?: string;
      tokenIds?: ReadonlySet<string>;
      notByCertificate?: string | null;
      reason?: string;
    },
  ): Promise<number>;
  sessions(): readonly BrokerSession[];
  /** Live sessions of a user. */
  sessionCount(username: string): number;
  /** When each live session sent something last, in milliseconds since the epoch; of one user, where one is named. */
  lastPackets(username?: string): readonly SeenUser[];
  /**
   * Publishes a message of the registry itself; permissions apply to its readers as to any topic.
   * Resolves when it is on its way to every reader; who does not read delays that by a moment.
   */
  publish(topic: string, payload: string, options?: { retain?: boolean }): Promise<void>;
  /** Whether a session, connected or stored, is subscribed to a topic now. */
  isRead(topic: string): Promise<boolean>;
  /**
   * Whether one is subscribed to anything that may be at `topic` or below it; looks at all sessions, and where there are more
   * than `sessionsMax` at none: then it may be.
   */
  isAnyReadBelow(topic: string, sessionsMax?: number): boolean;
  close(): Promise<void>;
}
