/** The table of MQTT sessions, live and stored: who holds which client id, with a limit on those stored. */
import type { Admission } from '../ports/authenticator.ts';
import type { MqttLimit } from '../ports/embedded.ts';
import type { Memory } from './memory.ts';
import type { BrokerConnection, ConnectedUser, HeldSession } from './session.ts';

export interface TableLimits {
  readonly sessionsPerUser: number;
  readonly storedPerUser: number;
  readonly stored: number;
}

export class SessionTable {
  readonly #memory: Pick<Memory, 'forget'>;
  readonly #limits: TableLimits;
  readonly #reached: (limit: MqttLimit) => void;
  readonly #held = new Map<string, HeldSession>();
  readonly #users = new Map<string, ConnectedUser>();
  #storedCount = 0;

  constructor(
    memory: Pick<Memory, 'forget'>,
    limits: TableLimits,
    reached: (limit: MqttLimit) => void,
  ) {
    this.#memory = memory;
    this.#limits = limits;
    this.#reached = reached;
  }

  held(clientId: string): HeldSession | undefined {
    return this.#held.get(clientId);
  }

  all(): HeldSession[] {
    return [...this.#held.values()];
  }

  user(username: string): ConnectedUser | undefined {
    return this.#users.get(username);
  }

  /** Live sessions of a user. */
  liveCount(username: string): number {
    const user = this.#users.get(username);
    return user === undefined ? 0 : user.sessions.size - user.stored.size;
  }

  /** Whether a user may have one more live session. */
  hasRoom(username: string): boolean {
    if (this.liveCount(username) < this.#limits.sessionsPerUser) return true;
    this.#reached('sessions-per-user');
    return false;
  }

  /** The session of an admitted connection: the stored one, or a new one. */
  open(admission: Admission, connection: BrokerConnection): HeldSession {
    const { username } = admission;
    let user = this.#users.get(username);
    if (user === undefined) {
      user = { username, rights: admission, sessions: new Set(), stored: new Set() };
      this.#users.set(username, user);
    }
    user.rights = admission;
    const before = this.#held.get(connection.clientId);
    if (before !== undefined && !connection.connect?.cleanStart) {
      this.#resume(before, connection);
      connection.isResumed = true;
      return before;
    }
    if (before !== undefined) {
      // The user object must outlive its last session being replaced by this one.
      this.discard(before);
      this.#users.set(username, user);
    }
    const session: HeldSession = {
      user,
      clientId: connection.clientId,
      credentialId: null,
      tokenId: null,
      certificate: null,
      filters: new Set(),
      identifiers: new Map(),
      filterLevels: 0,
      connection: null,
      ended: false,
      expiry: null,
      will: null,
    };
    this.#held.set(session.clientId, session);
    user.sessions.add(session);
    return session;
  }

  #resume(session: HeldSession, { client }: BrokerConnection): void {
    this.#unstore(session);
    // [MQTT-3.1.3-9]: a client that reconnects before the delay is over cancels the will.
    clearTimeout(session.will?.timer);
    session.will = null;
    // aedes would drop the queue of a session that is to end with this connection.
    if (client !== null) (client as { clean: boolean }).clean = false;
  }

  /** Stores a session without a connection for so long; where there are too many, one is discarded. */
  store(session: HeldSession, seconds: number): void {
    if (this.#storedCount >= this.#limits.stored) {
      this.#reached('stored-sessions');
      this.discard(session);
      return;
    }
    const { stored } = session.user;
    stored.add(session);
    this.#storedCount += 1;
    session.expiry = setTimeout(() => this.discard(session), seconds * 1_000).unref();
    const [oldest] = stored;
    if (stored.size <= this.#limits.storedPerUser || oldest === undefined) return;
    this.#reached('stored-sessions-per-user');
    this.discard(oldest);
  }

  #unstore(session: HeldSession): void {
    clearTimeout(session.expiry ?? undefined);
    session.expiry = null;
    if (session.user.stored.delete(session)) this.#storedCount -= 1;
  }

  /** Ends a session; a delayed will is published now, and denied where the session was ended already. */
  discard(session: HeldSession): void {
    this.#unstore(session);
    const will = session.will;
    session.will = null;
    clearTimeout(will?.timer);
    will?.publish();
    session.ended = true;
    if (this.#held.get(session.clientId) === session) this.#held.delete(session.clientId);
    this.#memory.forget(session.clientId);
    session.user.sessions.delete(session);
    if (session.user.sessions.size === 0) this.#users.delete(session.user.username);
  }
}
