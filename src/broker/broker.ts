/** The port to a broker, and what a broker asks of the registry. */
import type { CompiledPermissions } from '../../domain/permission.ts';

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

/** The registry as the embedded broker sees it. Never rejects: a fault is `unavailable`. */
export interface Gatekeeper {
  connect(attempt: ConnectAttempt): Promise<ConnectAnswer>;
}

/** One live session, for people to look at. */
export interface Session {
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
   * subscriptions obey them, and subscriptions they no longer allow end now, stored ones too.
   */
  setAuthorization(
    username: string,
    rights: Pick<Admission, 'permissions' | 'publishPrefix' | 'pinnedClientId'>,
  ): Promise<void>;
  /**
   * Closes a user's live sessions (MQTT 5: reason 0x98) and drops the stored ones with their queues and
   * wills: no will is published. With `except`, sessions that this credential opened stay. With
   * `tokenId`, only those that this token opened end. Resolves with the number of live sessions closed.
   */
  endSessions(
    username: string,
    options?: { exceptCredentialId?: string; tokenId?: string; reason?: string },
  ): Promise<number>;
  sessions(): readonly Session[];
  sessionCount(username: string): number;
  /** ISO instant of the last connect or packet, null when not seen since the start. */
  lastSeenAt(username: string): string | null;
  /** Publishes a message of the registry itself; permissions apply to its readers as to any topic. */
  publish(topic: string, payload: string, options?: { retain?: boolean }): Promise<void>;
  close(): Promise<void>;
}
