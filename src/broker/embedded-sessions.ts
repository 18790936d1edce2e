/** Who holds which MQTT session, live or stored, and what each user may do at this moment. */
import type { Client } from 'aedes';
import { mayRead } from '../../domain/permission.ts';
import type { Admission, Session } from './broker.ts';
import type { Memory } from './embedded-memory.ts';
import {
  type Connection,
  closeClient,
  forgetFilters,
  type HeldSession,
  protocolOf,
  type Rights,
  type User,
  unsubscribe,
} from './embedded-session.ts';

/** A CONNECT that is being judged; `overtaken` when the account changed meanwhile. */
export interface Attempt {
  overtaken: boolean;
}

export interface SessionLimits {
  readonly storedPerUser: number;
  readonly stored: number;
  readonly lastSeen: number;
}

/** MQTT 5 reason codes [MQTT 5, 2.4]. */
const sessionTakenOver = 0x8e;
const administrativeAction = 0x98;

export type Sessions = ReturnType<typeof heldSessions>;

export function heldSessions(options: {
  readonly memory: Memory;
  readonly limits: SessionLimits;
  readonly now: () => Date;
}) {
  const { memory, limits, now } = options;
  const held = new Map<string, HeldSession>();
  const users = new Map<string, User>();
  const attempts = new Map<string, Set<Attempt>>();
  const lastSeen = new Map<string, number>();
  let storedCount = 0;

  function overtake(username: string): void {
    for (const attempt of attempts.get(username) ?? []) attempt.overtaken = true;
  }

  function noteSeen(username: string, atMs: number): void {
    lastSeen.delete(username);
    lastSeen.set(username, atMs);
    if (lastSeen.size <= limits.lastSeen) return;
    for (const oldest of lastSeen.keys()) {
      lastSeen.delete(oldest);
      return;
    }
  }

  /** Ends what is kept of a session; a will that waits goes out now, and is denied if it was ended. */
  function discard(session: HeldSession): void {
    unstore(session);
    const will = session.will;
    session.will = null;
    clearTimeout(will?.timer);
    will?.publish();
    session.ended = true;
    if (held.get(session.clientId) === session) held.delete(session.clientId);
    memory.forget(session.clientId);
    session.user.sessions.delete(session);
    if (session.user.sessions.size === 0) users.delete(session.user.username);
  }

  function unstore(session: HeldSession): void {
    clearTimeout(session.expiry ?? undefined);
    session.expiry = null;
    if (session.user.stored.delete(session)) storedCount -= 1;
  }

  function store(session: HeldSession, seconds: number): void {
    if (storedCount >= limits.stored) {
      discard(session);
      return;
    }
    session.user.stored.add(session);
    storedCount += 1;
    session.expiry = setTimeout(() => discard(session), seconds * 1_000).unref();
    const [oldest] = session.user.stored;
    if (session.user.stored.size > limits.storedPerUser && oldest !== undefined) discard(oldest);
  }

  function opened(admission: Admission, connection: Connection): HeldSession {
    const { username, permissions, publishPrefix } = admission;
    let user = users.get(username);
    if (user === undefined) {
      user = { username, rights: admission, sessions: new Set(), stored: new Set() };
      users.set(username, user);
    }
    user.rights = { permissions, publishPrefix };
    const before = held.get(connection.client.id);
    if (before !== undefined && !connection.connect?.cleanStart) {
      resume(before, connection.client);
      return before;
    }
    if (before !== undefined) {
      // The user object must outlive its last session being replaced by this one.
      discard(before);
      users.set(username, user);
    }
    const session: HeldSession = {
      user,
      clientId: connection.client.id,
      credentialId: null,
      tokenId: null,
      filters: new Set(),
      identifiers: new Map(),
      connection: null,
      ended: false,
      expiry: null,
      will: null,
    };
    held.set(session.clientId, session);
    user.sessions.add(session);
    return session;
  }

  function resume(session: HeldSession, client: Client): void {
    unstore(session);
    // [MQTT-3.1.3-9]: who comes back before the delay is over takes the will back.
    clearTimeout(session.will?.timer);
    session.will = null;
    // aedes would drop the queue of a session that is to end with this connection.
    (client as { clean: boolean }).clean = false;
  }

  async function end(session: HeldSession, reason: string | undefined): Promise<boolean> {
    session.ended = true;
    const { connection } = session;
    if (connection === null) {
      discard(session);
      return false;
    }
    closeClient(connection.client, administrativeAction, reason);
    await connection.gone;
    return true;
  }

  async function endForbidden(session: HeldSession, rights: Rights): Promise<void> {
    const forbidden = (filters: readonly string[]) =>
      filters.filter((filter) => !mayRead(rights.permissions, filter));
    const stored = await memory.subscriptionsByClient({ id: session.clientId });
    const gone = new Set(forbidden([...stored.map(({ topic }) => topic), ...session.filters]));
    if (gone.size === 0) return;
    forgetFilters(session, gone);
    await memory.removeSubscriptions({ id: session.clientId }, [...gone]);
    const { connection } = session;
    if (connection === null) return;
    await new Promise<void>((resolve) =>
      unsubscribe(connection.client, [...gone], () => resolve()),
    );
  }

  return {
    held: (clientId: string): HeldSession | undefined => held.get(clientId),

    /** Begins to judge a CONNECT; changes of the account from now on show in `overtaken`. */
    attempt(username: string): { attempt: Attempt; over(): void } {
      const attempt: Attempt = { overtaken: false };
      const others = attempts.get(username) ?? new Set();
      attempts.set(username, others.add(attempt));
      return {
        attempt,
        over() {
          others.delete(attempt);
          if (others.size === 0 && attempts.get(username) === others) attempts.delete(username);
        },
      };
    },

    /**
     * Gives an admitted connection its session. A live one of the same user is closed first and waited
     * for [MQTT-3.1.4-3], so that a client id never has two connections.
     */
    async claim(
      connection: Connection,
      admission: Admission,
      attempt: Attempt,
    ): Promise<'claimed' | 'taken' | 'overtaken' | 'gone'> {
      const { client } = connection;
      for (;;) {
        if (client.closed || client.conn.destroyed) return 'gone';
        if (attempt.overtaken) return 'overtaken';
        const holder = held.get(client.id);
        if (holder !== undefined && holder.user.username !== admission.username) return 'taken';
        const before = holder?.connection;
        if (!before) break;
        closeClient(before.client, sessionTakenOver);
        await before.gone;
      }
      const session = opened(admission, connection);
      session.credentialId = admission.credentialId;
      session.tokenId = admission.tokenId;
      session.connection = connection;
      connection.session = session;
      noteSeen(admission.username, now().getTime());
      return 'claimed';
    },

    /** A connection was answered with success. */
    registered(connection: Connection): void {
      connection.since = now().toISOString();
    },

    /** A connection is closed, and its will published or put off: its session is stored, or over. */
    closed(connection: Connection): void {
      const { session, client } = connection;
      if (session === null || session.connection !== connection) return;
      session.connection = null;
      noteSeen(session.user.username, connection.lastPacketMs);
      if (session.ended || client.sessionExpiryInterval === 0) discard(session);
      else store(session, client.sessionExpiryInterval);
      connection.markGone();
    },

    /** Puts a will off [MQTT-3.1.3-9]; it goes out at the latest when its session ends. */
    delayWill(session: HeldSession, seconds: number, publish: () => void): void {
      const timer = setTimeout(() => {
        session.will = null;
        publish();
      }, seconds * 1_000).unref();
      session.will = { timer, publish };
    },

    async setAuthorization(
      username: string,
      rights: Pick<Admission, 'permissions' | 'publishPrefix' | 'pinnedClientId'>,
    ): Promise<void> {
      overtake(username);
      const user = users.get(username);
      if (user === undefined) return;
      const { permissions, publishPrefix, pinnedClientId } = rights;
      user.rights = { permissions, publishPrefix };
      await Promise.all(
        [...user.sessions].map((session) =>
          pinnedClientId !== null && pinnedClientId !== session.clientId
            ? end(session, undefined)
            : endForbidden(session, user.rights),
        ),
      );
    },

    async endSessions(
      username: string,
      choice: { exceptCredentialId?: string; tokenId?: string; reason?: string } = {},
    ): Promise<number> {
      overtake(username);
      const { exceptCredentialId, tokenId, reason } = choice;
      const chosen = [...(users.get(username)?.sessions ?? [])].filter(
        (session) =>
          (exceptCredentialId === undefined || session.credentialId !== exceptCredentialId) &&
          (tokenId === undefined || session.tokenId === tokenId),
      );
      const closed = await Promise.all(chosen.map((session) => end(session, reason)));
      return closed.filter(Boolean).length;
    },

    sessions(): Session[] {
      return [...held.values()].flatMap(({ user, clientId, connection }) =>
        connection === null || connection.since === null
          ? []
          : [
              {
                username: user.username,
                clientId,
                source: connection.source,
                protocol: protocolOf(connection.client),
                since: connection.since,
              },
            ],
      );
    },

    sessionCount(username: string): number {
      const user = users.get(username);
      return user === undefined ? 0 : user.sessions.size - user.stored.size;
    },

    lastSeenAt(username: string): string | null {
      let atMs = lastSeen.get(username) ?? null;
      for (const { connection } of users.get(username)?.sessions ?? [])
        if (connection !== null) atMs = Math.max(atMs ?? 0, connection.lastPacketMs);
      return atMs === null ? null : new Date(atMs).toISOString();
    },

    /** Forgets everything without sending wills: the process ends. */
    clear(): void {
      for (const session of held.values()) {
        session.ended = true;
        discard(session);
      }
    },
  };
}
