/** What administrators do to roles, tokens and keys, and how people and services sign in. */
import { randomUUID } from 'node:crypto';
import { holdsHttpRights, type Permission } from '../domain/permission.ts';
import { role } from '../domain/role.ts';
import { token } from '../domain/token.ts';
import type { Actor } from '../domain/values.ts';
import type { ClientRow } from '../projections/clients.ts';
import type { TokenRow } from '../projections/tokens.ts';
import { actorOf, type By, type Done, withinOwn } from './administration.ts';
import type { Authority, Standing } from './authority.ts';
import type { Proofs } from './credentials/proofs.ts';
import type { Tokens } from './credentials/tokens.ts';
import { type Cause, handle } from './handle.ts';
import { inTurn } from './in-turn.ts';
import { sourceKey } from './networks.ts';
import type { Rows } from './read-models/row-table.ts';
import { Refused } from './refused.ts';
import type { EventStore } from './store/event-store.ts';
import type { Throttle } from './throttle.ts';

export interface AccessAdministrationOptions {
  readonly store: EventStore;
  readonly authority: Authority;
  readonly proofs: Proofs;
  readonly tokens: Tokens;
  readonly rows: { readonly clients: Rows<ClientRow>; readonly tokens: Rows<TokenRow> };
  /** All attempts of a source that matched nothing, and the failed logins of a name from a source. */
  readonly throttles: { readonly sources: Throttle; readonly logins: Throttle };
  readonly settled: (position: string) => Promise<void>;
  readonly position: () => string;
  /** Ends challengers of names that come to hold HTTP rights. */
  readonly endChallenges: (by: By) => Promise<void>;
  /** Milliseconds that a registration token may outlive this moment. */
  readonly registrationTokenMs: number;
  readonly now: () => string;
}

const loginHours = 12;
const namedHours = 8_760;
const hourMs = 60 * 60 * 1_000;

const later = (at: string, ms: number) => new Date(Date.parse(at) + ms).toISOString();

export type AccessAdministration = ReturnType<typeof createAccessAdministration>;

export function createAccessAdministration(options: AccessAdministrationOptions) {
  const { store, authority, proofs, tokens, rows, throttles, settled, now } = options;
  const roleChanges = inTurn();

  async function issue(
    standing: Standing,
    wanted: { kind: 'login' | 'named'; label: string | null; hours: number; by: Actor },
    cause: Cause,
  ) {
    const { username, generation, loginGeneration } = standing.row;
    const tokenId = randomUUID();
    const at = now();
    const expiresAt = later(at, wanted.hours * hourMs);
    const text = await tokens.sign({
      subject: username,
      id: tokenId,
      audience: 'gatebook',
      issuedAt: new Date(at),
      expiresAt: new Date(expiresAt),
    });
    const { position } = await handle(
      store,
      token,
      tokenId,
      {
        type: 'IssueToken',
        tokenId,
        username,
        label: wanted.label,
        kind: wanted.kind,
        expiresAt,
        generation,
        loginGeneration,
        at,
        by: wanted.by,
      },
      cause,
    );
    if (position !== null) await settled(position);
    return { tokenId, token: text, position: position ?? options.position() };
  }

  return {
    /** Every wrong pair is refused alike, and costs the same, whoever's name it is. */
    async login(login: {
      username: string;
      password: string;
      expireTimeInHours?: number | undefined;
      label?: string | undefined;
      source: string | null;
      cause: Cause;
    }) {
      const { username, password, label, cause } = login;
      const source = sourceKey(login.source);
      const name = `${source} ${username}`;
      const retryAfterSeconds = Math.max(
        throttles.sources.waitSeconds(source),
        throttles.logins.waitSeconds(name),
      );
      if (retryAfterSeconds > 0) throw new Refused('login-throttled', { retryAfterSeconds });

      const proof = await proofs.full(username, password, source);
      const standing = authority.active(username);
      const proven =
        standing?.row.status === 'active' && (await proof.proves(standing.row.credentialId));
      if (standing?.row.status !== 'active' || !proven) {
        throttles.sources.count(source);
        throttles.logins.count(name);
        throw new Refused('credentials-invalid');
      }
      proof.remember(standing.row.credentialId);
      return await issue(
        standing,
        {
          kind: 'login',
          label: label ?? null,
          hours: login.expireTimeInHours ?? loginHours,
          by: { kind: 'user', name: username },
        },
        cause,
      );
    },

    async issueToken(
      by: By,
      wanted: {
        label: string;
        username?: string | undefined;
        expireTimeInHours?: number | undefined;
      },
    ) {
      const username = wanted.username ?? by.caller.username;
      const standing = authority.active(username);
      if (!standing)
        throw new Refused(rows.clients.get(username) ? 'user-not-active' : 'user-not-found');
      if (username !== by.caller.username) withinOwn(by, standing.effective);
      return await issue(
        standing,
        {
          kind: 'named',
          label: wanted.label,
          hours: wanted.expireTimeInHours ?? namedHours,
          by: actorOf(by),
        },
        by.cause,
      );
    },

    async revokeToken(by: By, tokenId: string): Promise<Done> {
      const { decision, position } = await handle(
        store,
        token,
        tokenId,
        { type: 'RevokeToken', tokenId, at: now(), by: actorOf(by) },
        by.cause,
      );
      if (!decision.accepted) throw new Refused(decision.refusal);
      if (position !== null) await settled(position);
      return { position: position ?? options.position() };
    },

    /** The old key goes on verifying until the last token it signed has ended. */
    async rotateKeys(_by: By): Promise<Done> {
      const last = rows.tokens.greatest('expiresAt');
      const registration = later(now(), options.registrationTokenMs);
      const until = typeof last === 'string' && last > registration ? last : registration;
      await tokens.rotate({ until });
      return { position: options.position() };
    },

    putRole: (
      by: By,
      name: string,
      wanted: { permissions: Permission[]; description?: string | undefined },
    ): Promise<Done & { created: boolean }> =>
      roleChanges(async () => {
        withinOwn(by, wanted.permissions);
        const created = !authority.roleExists(name);
        const { decision, position } = await handle(
          store,
          role,
          name,
          {
            type: 'DefineRole',
            name,
            permissions: wanted.permissions,
            description: wanted.description ?? null,
            at: now(),
            by: actorOf(by),
          },
          by.cause,
        );
        if (!decision.accepted) throw new Refused(decision.refusal);
        if (position !== null) {
          await settled(position);
          if (holdsHttpRights(wanted.permissions)) await options.endChallenges(by);
        }
        return { position: position ?? options.position(), created };
      }),

    removeRole: (by: By, name: string): Promise<Done> =>
      roleChanges(async () => {
        const holders = rows.clients.count([{ column: 'roles', includes: ` ${name} ` }]);
        const { decision, position } = await handle(
          store,
          role,
          name,
          { type: 'RemoveRole', name, holders, at: now(), by: actorOf(by) },
          by.cause,
        );
        if (!decision.accepted) throw new Refused(decision.refusal);
        if (position !== null) await settled(position);
        return { position: position ?? options.position() };
      }),
  };
}
