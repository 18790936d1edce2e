/** Rows as WIRE shows them: joined, personal fields opened for who may read them, secrets nowhere. */
import { builtInRoles } from '../domain/role.ts';
import { registryId } from '../domain/window.ts';
import type { AccessRow } from '../projections/access.ts';
import type { ActivationRow } from '../projections/activations.ts';
import type { ClientRow } from '../projections/clients.ts';
import type { HistoryRow } from '../projections/history.ts';
import type { RequestRow } from '../projections/requests.ts';
import type { RoleRow } from '../projections/roles.ts';
import type { TokenRow } from '../projections/tokens.ts';
import type { WindowRow } from '../projections/window.ts';
import type { Authority } from './authority.ts';
import type { EmbeddedBroker, Note } from './broker/broker.ts';
import type { Personal } from './credentials/personal.ts';
import type { Tokens } from './credentials/tokens.ts';
import type { Knocks } from './knocks.ts';
import { type Condition, MalformedCursor, type Page, type Rows } from './read-models/row-table.ts';

export interface Paging {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface ViewOptions {
  readonly rows: {
    readonly window: Rows<WindowRow>;
    readonly requests: Rows<RequestRow>;
    readonly clients: Rows<ClientRow>;
    readonly access: Rows<AccessRow>;
    readonly roles: Rows<RoleRow>;
    readonly tokens: Rows<TokenRow>;
    readonly activations: Rows<ActivationRow>;
    readonly history: Rows<HistoryRow>;
  };
  readonly authority: Authority;
  readonly personal: Personal;
  readonly tokens: Tokens;
  readonly knocks: Knocks;
  /** Sessions and last seen come from here; null: no broker of our own. */
  readonly broker: () => Pick<EmbeddedBroker, 'sessionCount' | 'lastSeenAt' | 'sessions'> | null;
  /** The brokers that clients connect to, with their addresses. */
  readonly brokers: () => readonly { readonly name: string; readonly urls: readonly string[] }[];
  /** Why a client is not active at a broker. */
  readonly activationNote: (broker: string, username: string) => Note | undefined;
  readonly pendingCount: () => number;
  readonly now: () => string;
}

interface Activation {
  readonly broker: string;
  readonly status: 'waiting' | 'active' | 'inactive' | 'failed';
  readonly at: string | null;
  readonly detail: string | null;
}

export type Views = ReturnType<typeof createViews>;

const none: readonly Condition[] = [];
const personalFields = ['source', 'clientId', 'context'];

export function createViews(options: ViewOptions) {
  const { rows, authority, personal, knocks, now } = options;

  const opened = async (username: string, field: string, sealed: string | null, seeing: boolean) =>
    seeing ? await personal.open(username, field, sealed) : null;

  const notYet = (broker: string, username: string): Activation => {
    const note = options.activationNote(broker, username);
    return { broker, status: note?.status ?? 'waiting', at: null, detail: note?.detail ?? null };
  };

  /** What stands in the way of a request before anybody decided it. */
  const obstacles = (username: string): Activation[] =>
    options
      .brokers()
      .map(({ name }) => notYet(name, username))
      .filter(({ status }) => status === 'failed');

  /** What each broker has acknowledged of a credential. */
  function activationsOf(
    username: string,
    credentialId: string | null,
    active: boolean,
  ): Activation[] {
    const known = rows.activations.get(username)?.brokers ?? {};
    return options.brokers().flatMap(({ name }): Activation[] => {
      const found = known[name];
      const same = found?.credentialId === credentialId;
      if (active)
        return found?.active && same
          ? [{ broker: name, status: 'active', at: found.at, detail: null }]
          : [notYet(name, username)];
      return found && same
        ? [{ broker: name, status: 'inactive', at: found.at, detail: null }]
        : [];
    });
  }

  async function requestOf(row: RequestRow, seeing: boolean) {
    const { username, credentialId, decision } = row;
    const state = rows.access.get(username);
    const active = state?.status === 'active' && state.credentialId === credentialId;
    const open = (field: 'source' | 'clientId' | 'context') =>
      opened(username, field, row[field], seeing);
    const [source, clientId, context] = await Promise.all([
      open('source'),
      open('clientId'),
      open('context'),
    ]);
    return {
      requestId: row.requestId,
      username,
      status: row.status,
      kind: row.kind,
      flow: row.flow,
      pairingId: row.pairingId,
      windowId: row.windowId,
      requestedAt: row.requestedAt,
      expiresAt: row.expiresAt,
      source: source as string | null,
      clientId: clientId as string | null,
      context: context as Record<string, string> | null,
      requestedRoles: [...row.requestedRoles],
      requestedPermissions: [...row.requestedPermissions],
      csr: null,
      credentialId,
      contested: row.conflictCount > 0,
      conflictCount: row.conflictCount,
      decision,
      approvals: [],
      activations:
        row.status === 'granted'
          ? activationsOf(username, credentialId, active)
          : row.status === 'pending'
            ? obstacles(username)
            : [],
    };
  }

  function userOf(row: ClientRow) {
    const { username, credential, state } = row;
    const broker = options.broker();
    const held = 'credentialId' in state ? state.credentialId : null;
    return {
      username,
      status: row.status,
      origin: row.origin,
      roles: row.roles,
      permissions: row.permissions,
      mqttPublishPrefix: row.mqttPublishPrefix,
      mqttClientId: row.mqttClientId,
      expiresAt: row.expiresAt,
      effectivePermissions: [...(authority.standing(username)?.effective ?? [])],
      credentials: credential ? [{ ...credential, expiresAt: null }] : [],
      requestId: row.requestId,
      reason: row.reason,
      blockedUntil: row.blockedUntil,
      createdAt: row.createdAt,
      changedAt: row.changedAt,
      lastSeenAt: broker?.lastSeenAt(username) ?? null,
      sessionCount: broker?.sessionCount(username) ?? 0,
      activations: activationsOf(username, held, row.status === 'active'),
    };
  }

  const userCount = (role: string) =>
    rows.clients.count([{ column: 'roles', includes: ` ${role} ` }]);

  const definedRole = (row: RoleRow) => ({
    name: row.name,
    description: row.description,
    permissions: [...row.permissions],
    builtIn: false,
    userCount: userCount(row.name),
    changedAt: row.changedAt,
  });

  const builtInRole = (name: string) => {
    const found = builtInRoles.get(name);
    return (
      found && {
        name,
        description: found.description,
        permissions: [...found.permissions],
        builtIn: true,
        userCount: userCount(name),
        changedAt: null,
      }
    );
  };

  /** Revoked, or ended with the access or the password of its user. */
  function tokenOf(row: TokenRow) {
    const client = rows.clients.get(row.username);
    const state = client?.state;
    const over =
      row.revokedAt === null &&
      client !== undefined &&
      (state?.generation !== row.generation ||
        (row.kind === 'login' && state.loginGeneration !== row.loginGeneration) ||
        !(client.status === 'active' || client.status === 'suspended'));
    return {
      tokenId: row.tokenId,
      username: row.username,
      label: row.label,
      kind: row.kind,
      issuedAt: row.issuedAt,
      issuedBy: row.issuedBy,
      expiresAt: row.expiresAt,
      revokedAt: over ? (client?.tokensEndedAt ?? client?.changedAt ?? null) : row.revokedAt,
    };
  }

  async function eventOf(row: HistoryRow, seeing: boolean) {
    const data: Record<string, unknown> = { ...row.data };
    if (row.username !== null && row.stream.startsWith('client-'))
      for (const field of personalFields)
        if (field in data)
          data[field] = await opened(row.username, field, data[field] as string | null, seeing);
    return { ...row, data };
  }

  return {
    window() {
      const row = rows.window.get(registryId);
      const counts = { pendingCount: options.pendingCount(), knockCount: knocks.size() };
      if (!row)
        return {
          status: 'locked' as const,
          windowId: null,
          unlockedAt: null,
          unlockedBy: null,
          until: null,
          lockedAt: null,
          lockedBy: null,
          maxRequests: null,
          usernamePattern: null,
          sources: [],
          note: null,
          requestCount: 0,
          ...counts,
        };
      const over = row.status === 'unlocked' && row.until <= now();
      return {
        status: over ? ('locked' as const) : row.status,
        windowId: row.windowId,
        unlockedAt: row.unlockedAt,
        unlockedBy: row.unlockedBy,
        until: row.until,
        lockedAt: over ? row.until : row.lockedAt,
        lockedBy: row.lockedBy,
        maxRequests: row.limits.maxRequests,
        usernamePattern: row.limits.usernamePattern,
        sources: row.limits.sources,
        note: row.limits.note,
        requestCount: row.requestCount,
        ...counts,
      };
    },

    async request(requestId: string, seeing: boolean) {
      const row = rows.requests.get(requestId);
      return row && (await requestOf(row, seeing));
    },

    async requests(
      query: Paging & { status?: string | undefined; q?: string | undefined },
      seeing: boolean,
    ) {
      const page = rows.requests.find({
        where: [
          ...(query.status === undefined ? none : [{ column: 'status', is: query.status }]),
          ...(query.q === undefined ? none : [found(query.q, ['username', 'pairingId'])]),
        ],
        limit: query.limit,
        cursor: query.cursor,
      });
      return {
        items: await Promise.all(page.items.map((row) => requestOf(row, seeing))),
        nextCursor: page.nextCursor,
      };
    },

    knocks: (query: Paging) =>
      paged(knocks.all(), (knock) => `${knock.username} ${knock.source}`, query),

    user(username: string) {
      const row = rows.clients.get(username);
      return row && userOf(row);
    },

    users(
      query: Paging & {
        status?: string | undefined;
        role?: string | undefined;
        q?: string | undefined;
      },
    ) {
      return mapped(
        rows.clients.find({
          where: [
            query.status === undefined
              ? { column: 'everGranted', is: 1 }
              : { column: 'status', is: query.status },
            ...(query.role === undefined
              ? none
              : [{ column: 'roles', includes: ` ${query.role} ` }]),
            ...(query.q === undefined ? none : [found(query.q, ['key'])]),
          ],
          limit: query.limit,
          cursor: query.cursor,
        }),
        userOf,
      );
    },

    /** Live sessions of a user, the newest first, where a broker can tell. */
    sessions(username: string, query: Paging, seeing: boolean) {
      const held = (options.broker()?.sessions() ?? [])
        .filter((session) => session.username === username)
        .sort((a, b) => (a.since < b.since ? 1 : -1))
        .map(({ clientId, source, protocol, since }) => ({
          broker: 'embedded',
          clientId,
          source,
          protocol,
          since,
        }));
      const page = paged(held, (session) => session.clientId, query);
      const hidden = seeing ? {} : { clientId: null, source: null };
      return { ...page, items: page.items.map((session) => ({ ...session, ...hidden })) };
    },

    role(name: string) {
      const row = rows.roles.get(name);
      return row ? definedRole(row) : builtInRole(name);
    },

    /** The newest first; the built-in ones, which are older than everything, last. */
    roles(query: Paging) {
      const names = [...allOf(rows.roles).map(({ name }) => name), ...builtInRoles.keys()];
      const page = paged(names, (name) => name, query);
      return {
        items: page.items.flatMap((name) => this.role(name) ?? []),
        nextCursor: page.nextCursor,
      };
    },

    token(tokenId: string) {
      const row = rows.tokens.get(tokenId);
      return row && tokenOf(row);
    },

    tokens: (username: string, query: Paging) =>
      mapped(
        rows.tokens.find({ where: [{ column: 'username', is: username }], ...query }),
        tokenOf,
      ),

    async events(
      query: Paging & {
        username?: string | undefined;
        windowId?: string | undefined;
        actor?: string | undefined;
        type?: string | undefined;
        since?: string | undefined;
        until?: string | undefined;
        q?: string | undefined;
        order: 'asc' | 'desc';
      },
      seeing: boolean,
    ) {
      const is = (column: 'username' | 'windowId' | 'actor' | 'type'): readonly Condition[] =>
        query[column] === undefined ? none : [{ column, is: query[column] }];
      const page = rows.history.find({
        where: [
          ...is('username'),
          ...is('windowId'),
          ...is('actor'),
          ...is('type'),
          ...(query.since === undefined ? none : [{ column: 'at', atLeast: query.since }]),
          ...(query.until === undefined ? none : [{ column: 'at', below: query.until }]),
          ...(query.q === undefined ? none : [found(query.q, ['username', 'actor', 'type'])]),
        ],
        order: query.order === 'asc' ? 'oldest' : 'newest',
        limit: query.limit,
        cursor: query.cursor,
      });
      return {
        items: await Promise.all(page.items.map((row) => eventOf(row, seeing))),
        nextCursor: page.nextCursor,
      };
    },

    /** What a granted client is told. */
    registered(username: string) {
      const standing = authority.standing(username);
      if (standing?.row.status !== 'active') return undefined;
      const { rights, requestId } = standing.row;
      return {
        status: 'granted' as const,
        requestId,
        username,
        roles: rights.roles,
        permissions: rights.permissions,
        mqttPublishPrefix: rights.mqttPublishPrefix,
        mqttClientId: rights.mqttClientId,
        expiresAt: rights.expiresAt,
        effectivePermissions: [...standing.effective],
        brokers: options.brokers().map(({ name, urls }) => ({ name, urls: [...urls] })),
        certificate: null,
      };
    },

    publicKeys: () => ({ issuer: 'gatebook', keys: [...options.tokens.publicKeys()] }),
  };
}

const found = (q: string, columns: readonly string[]): Condition => ({
  anyOf: columns.map((column) => ({ column, contains: q })),
});

const mapped = <Row, View>(page: Page<Row>, view: (row: Row) => View) => ({
  items: page.items.map(view),
  nextCursor: page.nextCursor,
});

function allOf<Row>(rows: Rows<Row>): Row[] {
  const all: Row[] = [];
  let cursor: string | undefined;
  do {
    const page = rows.find({ limit: 1_000, cursor });
    all.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return all;
}

/** A page of a list that stands in memory; the cursor names the last item shown. */
function paged<Item>(
  items: readonly Item[],
  name: (item: Item) => string,
  { limit, cursor }: Paging,
): Page<Item> {
  const after = cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString();
  const at = after === undefined ? -1 : items.findIndex((item) => name(item) === after);
  if (after !== undefined && at < 0)
    throw new MalformedCursor('the cursor is none of this list, or what it names is gone');
  const page = items.slice(at + 1, at + 1 + limit);
  const last = page.at(-1);
  return {
    items: page,
    nextCursor:
      last !== undefined && at + 1 + limit < items.length
        ? Buffer.from(name(last)).toString('base64url')
        : null,
  };
}
