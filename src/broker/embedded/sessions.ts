/** Begins and ends MQTT sessions as connections and accounts change, and applies the rights of now to them. */

import type { Client } from 'aedes';
import { levelsOf, mayMeet, mayRead } from '../../../domain/matching.ts';
import type { Soon } from '../../platform/soon.ts';
import type { Admission } from '../ports/authenticator.ts';
import type { BrokerSession, MqttLimit, SeenUser } from '../ports/embedded.ts';
import { type Attempt, Attempts } from './attempts.ts';
import type { Memory } from './memory.ts';
import {
  type BrokerConnection,
  closeConnection,
  type HeldSession,
  type SessionRights,
  unsubscribe,
} from './session.ts';
import { SessionTable, type TableLimits } from './session-table.ts';

/** Told of a user who opened a session, or whose session is closed. */
export type SeenListener = (seen: SeenUser, how: 'opened' | 'closed') => void;

/** MQTT 5 reason codes [MQTT 5, 2.4]. */
const sessionTakenOver = 0x8e;
const administrativeAction = 0x98;
const serverShuttingDown = 0x8b;

export type Sessions = ReturnType<typeof heldSessions>;

interface SessionState {
  readonly table: SessionTable;
  readonly attempts: Attempts;
  readonly onSeen: SeenListener;
  readonly memory: Memory;
  readonly changed: ChangeSubscriptions;
  readonly now: () => Date;
}

/** Changes the subscriptions of a connection while no packet of it does; settles with the change. */
export type ChangeSubscriptions = (client: Client, change: () => Promise<void>) => Promise<void>;

export function heldSessions(options: {
  readonly memory: Memory;
  readonly changed: ChangeSubscriptions;
  readonly limits: TableLimits;
  readonly now: () => Date;
  readonly onSeen: SeenListener;
  readonly reached: (limit: MqttLimit) => void;
}) {
  const { memory, changed, limits, now, onSeen, reached } = options;
  const table = new SessionTable(memory, limits, reached);
  const attempts = new Attempts();
  const state: SessionState = {
    table,
    attempts,
    onSeen,
    memory,
    changed,
    now,
  };
  const connections = ofConnections(state);
  return {
    attempt: (username: string) => attempts.begin(username),
    held: (clientId: string): HeldSession | undefined => table.held(clientId),
    ...connections,
    ...ofAccounts(state),
    ...readings(state),

    /** Forgets everything without sending wills: the process ends. */
    clear(): void {
      for (const session of table.all()) {
        const { connection } = session;
        session.ended = true;
        table.discard(session);
        // aedes has closed those that it knew of.
        if (connection === null) continue;
        closeConnection(connection, serverShuttingDown);
        connections.closed(connection);
      }
    },
  };
}

type Claim = 'claimed' | 'taken' | 'full' | 'overtaken' | 'gone';

function ofConnections({ table, onSeen, now }: SessionState) {
  /**
   * Gives an admitted connection its session. A live one of the same user is closed first and waited
   * for [MQTT-3.1.4-3], so that a client id never has two connections. Another user's ends where the client
   * id is the name of the one who comes now.
   */
  function claim(
    connection: BrokerConnection,
    admission: Admission,
    attempt: Attempt,
  ): Soon<Claim> {
    if (connection.isGone) return 'gone';
    if (attempt.overtaken) return 'overtaken';
    const { clientId } = connection;
    const holder = table.held(clientId);
    const isOthers = holder !== undefined && holder.user.username !== admission.username;
    if (isOthers && clientId !== admission.username) return 'taken';
    // What is another user's must not be resumed, and its will not be sent as if its time had come.
    if (isOthers) holder.ended = true;
    const before = holder?.connection;
    if (before) {
      closeConnection(before, sessionTakenOver);
      return before.closed().then(() => claim(connection, admission, attempt));
    }
    if (isOthers) table.discard(holder);
    if (!table.hasRoom(admission.username)) return 'full';
    const session = table.open(admission, connection);
    session.credentialId = admission.credentialId;
    session.tokenId = admission.tokenId;
    session.certificate = admission.certificate;
    session.connection = connection;
    connection.session = session;
    onSeen({ username: admission.username, atMs: now().getTime() }, 'opened');
    return 'claimed';
  }

  return {
    claim,

    /** A connection was answered with success. */
    registered(connection: BrokerConnection): void {
      connection.sinceMs = now().getTime();
    },

    /** A connection is closed, and its will published or delayed: its session is stored, or over. */
    closed(connection: BrokerConnection): void {
      const { session, sessionExpirySeconds } = connection;
      if (session === null || session.connection !== connection) return;
      session.connection = null;
      onSeen({ username: session.user.username, atMs: connection.lastPacketMs }, 'closed');
      if (session.ended || sessionExpirySeconds === 0) table.discard(session);
      else table.store(session, sessionExpirySeconds);
      connection.markClosed();
    },

    /** Delays a will [MQTT-3.1.3-9]; it is published at the latest when its session ends. */
    delayWill(session: HeldSession, seconds: number, publish: () => void): void {
      const timer = setTimeout(() => {
        session.will = null;
        publish();
      }, seconds * 1_000).unref();
      session.will = { timer, publish };
    },
  };
}

function ofAccounts(state: SessionState) {
  const { table, attempts, now } = state;
  async function end(session: HeldSession, reason: string | undefined): Promise<boolean> {
    session.ended = true;
    const { connection } = session;
    if (connection === null) {
      table.discard(session);
      return false;
    }
    closeConnection(connection, administrativeAction, reason);
    await connection.closed();
    return true;
  }

  return {
    async setAuthorization(
      username: string,
      rights: Pick<Admission, 'permissions' | 'publishPrefix' | 'pinnedClientId'>,
    ): Promise<void> {
      attempts.overtake(username);
      const user = table.user(username);
      if (user === undefined) return;
      const { permissions, publishPrefix, pinnedClientId } = rights;
      user.rights = { permissions, publishPrefix };
      await Promise.all(
        [...user.sessions].map((session) =>
          pinnedClientId !== null && pinnedClientId !== session.clientId
            ? end(session, undefined)
            : endForbidden(state, session, user.rights),
        ),
      );
    },

    async endSessions(
      username: string,
      choice: {
        exceptCredentialId?: string;
        tokenIds?: ReadonlySet<string>;
        notByCertificate?: string | null;
        reason?: string;
      } = {},
    ): Promise<number> {
      attempts.overtake(username);
      const { exceptCredentialId, tokenIds, notByCertificate, reason } = choice;
      const chosen = [...(table.user(username)?.sessions ?? [])].filter(
        (session) =>
          (exceptCredentialId === undefined || session.credentialId !== exceptCredentialId) &&
          (notByCertificate === undefined ||
            (session.certificate !== null && session.certificate.serial !== notByCertificate)) &&
          (tokenIds === undefined || (session.tokenId !== null && tokenIds.has(session.tokenId))),
      );
      const closed = await Promise.all(chosen.map((session) => end(session, reason)));
      return closed.filter(Boolean).length;
    },

    /** Ends the sessions whose certificate has ended. */
    async endWithCertificates(): Promise<void> {
      const at = now().toISOString();
      const over = table.all().filter(({ certificate }) => (certificate?.notAfter ?? at) < at);
      await Promise.all(over.map((session) => end(session, undefined)));
    },
  };
}

/** Ends the subscriptions that rights no longer allow, also those that are only stored. */
async function endForbidden(
  { memory, changed }: SessionState,
  session: HeldSession,
  { permissions }: SessionRights,
): Promise<void> {
  const end = async () => {
    const stored = await memory.filtersOf(session.clientId);
    // Another session may have its client id by now.
    if (session.ended) return;
    const filters = new Set([...stored, ...session.filters]);
    const gone = [...filters].filter((filter) => !mayRead(permissions, filter));
    if (gone.length === 0) return;
    await memory.removeSubscriptions({ id: session.clientId }, gone);
    const client = session.connection?.client ?? null;
    if (client === null) return;
    await new Promise<void>((resolve) => unsubscribe(client, gone, () => resolve()));
  };
  const client = session.connection?.client ?? null;
  await (client === null ? end() : changed(client, end));
}

function readings({ table }: SessionState) {
  return {
    sessions: (): BrokerSession[] =>
      table.all().flatMap(({ user, clientId, connection }) =>
        connection === null || connection.sinceMs === null
          ? []
          : [
              {
                username: user.username,
                clientId,
                source: connection.source,
                protocol: connection.protocol,
                since: new Date(connection.sinceMs).toISOString(),
              },
            ],
      ),

    sessionCount: (username: string): number => table.liveCount(username),

    isAnyReadBelow(topic: string, sessionsMax = Infinity): boolean {
      const all = table.all();
      if (all.length > sessionsMax) return true;
      const below = levelsOf(`${topic}/#`);
      for (const { filters } of all)
        for (const filter of filters) if (mayMeet(levelsOf(filter), below)) return true;
      return false;
    },

    lastPackets(username?: string): SeenUser[] {
      const sessions = username === undefined ? table.all() : table.user(username)?.sessions;
      return [...(sessions ?? [])].flatMap(({ user, connection }) =>
        connection === null ? [] : [{ username: user.username, atMs: connection.lastPacketMs }],
      );
    },
  };
}
