/** Tokens that let somebody act: for a password, for a service, until they end or are revoked. */

import { httpPermissionsOf } from '../../../domain/matching.ts';
import { token } from '../../../domain/token.ts';
import type { ClientRow } from '../../../projections/clients.ts';
import type { TokenRow } from '../../../projections/tokens.ts';
import type { Principal } from '../../authority.ts';
import { type Cause, newCause } from '../../commands/handle.ts';
import { type Done, record } from '../../commands/record.ts';
import { Refused } from '../../commands/refused.ts';
import type { Gone } from '../../credentials/passwords/hash-queue.ts';
import { isStrong } from '../../credentials/passwords/passwords.ts';
import type { OfferedPassword, Proofs } from '../../credentials/passwords/proofs.ts';
import type { SeenCredentials } from '../../credentials/passwords/seen.ts';
import { sourceKey } from '../../platform/networks.ts';
import type { Pace } from '../../platform/pace/pace.ts';
import type { SourceThrottle } from '../../platform/source-throttle.ts';
import type { Rows } from '../../read-models/row-table.ts';
import { actorOf, type CommandContext, requireOwnRights } from '../context.ts';
import { createPeopleAdministration, type PeopleAdministrationOptions } from '../people.ts';
import { createTokenLimits, issue, loginHours, type TokenLimits } from './issue.ts';

export interface TokenAdministrationOptions extends PeopleAdministrationOptions {
  readonly proofs: Proofs;
  readonly seen: SeenCredentials;
  /** Tells refusals at times that tell nothing of the name. */
  readonly pace: Pace;
  readonly rows: { readonly clients: Rows<ClientRow>; readonly tokens: Rows<TokenRow> };
  /** All attempts of a source that matched nothing, and the wrong passwords for a name from a source. */
  readonly throttles: { readonly sources: SourceThrottle; readonly names: SourceThrottle };
}

const namedHours = 8_760;

export function createTokenAdministration(options: TokenAdministrationOptions) {
  const { rows, now } = options;
  const limits = createTokenLimits({
    tokens: rows.tokens,
    now,
    revoke: (tokenId, by) =>
      record(
        options,
        token,
        tokenId,
        () => ({ type: 'RevokeToken' as const, tokenId, at: now(), by }),
        newCause(),
        () => options.atHand.token(tokenId),
      ),
  });
  return {
    login: (asked: Login) => login(options, limits, asked),
    ...createPeopleAdministration(options, limits),

    issueToken: (context: CommandContext, wanted: NewToken) =>
      issueNamed(options, limits, context, wanted),

    revokeToken: (context: CommandContext, tokenId: string): Promise<Done> =>
      record(
        options,
        token,
        tokenId,
        () => {
          context.authorize();
          return { type: 'RevokeToken' as const, tokenId, at: now(), by: actorOf(context) };
        },
        context.cause,
        () => options.atHand.token(tokenId),
      ),
  };
}

interface NewToken {
  readonly label: string;
  readonly username?: string | undefined;
  readonly expireTimeInHours?: number | undefined;
}

async function issueNamed(
  options: TokenAdministrationOptions,
  limits: TokenLimits,
  context: CommandContext,
  wanted: NewToken,
) {
  const { authority, rows } = options;
  const username = wanted.username ?? context.caller.username;
  const principal = authority.active(username);
  if (!principal)
    throw new Refused(rows.clients.get(username) ? 'user-not-active' : 'user-not-found');
  // Before room is made for it: what is refused costs nobody a token.
  if (username !== context.caller.username) requireOwnRights(context, principal.effective);
  const tokenId = context.making.id('token');
  const issued = context.making.isBegun ? rows.tokens.get(tokenId) : undefined;
  if (issued === undefined) await limits.makeRoom({ kind: 'named', username }, actorOf(context));
  return await issue(
    options,
    principal,
    {
      kind: 'named',
      label: wanted.label,
      hours: wanted.expireTimeInHours ?? namedHours,
      endsAt: signInEnd(context, principal),
      by: actorOf(context),
    },
    context.cause,
    () => {
      const caller = context.authorize();
      if (username === caller.username) return caller.httpLimit;
      // Whoever gets the token gets what its user may as it is recorded, also where that was widened since,
      // and is not to gain what its user is given later (docs/decisions/0012).
      requireOwnRights(context, authority.active(username)?.effective ?? principal.effective);
      return httpPermissionsOf(caller.permissions);
    },
    { tokenId, issued },
  );
}

/** What a person makes ends with the sign-in that it was made in; what others make for them with their access. */
function signInEnd(context: CommandContext, { row }: Principal): string | null {
  if (row.status !== 'active' || row.personId === null) return null;
  const { username, tokenExpiresAt } = context.authorize();
  const { expiresAt } = row.rights;
  return username === row.username && (expiresAt === null || tokenExpiresAt < expiresAt)
    ? tokenExpiresAt
    : expiresAt;
}

interface Login {
  readonly username: string;
  readonly password: string;
  readonly expireTimeInHours?: number | undefined;
  readonly label?: string | undefined;
  readonly source: string | null;
  readonly cause: Cause;
  /** Where nobody waits for the answer any more the password is not hashed; absent: that is not known. */
  readonly gone?: Gone | undefined;
}

/** Every wrong pair is refused alike, and costs the same, whoever's name it is. */
async function login(options: TokenAdministrationOptions, limits: TokenLimits, asked: Login) {
  const { username, label, cause } = asked;
  const principal = await signedIn(options, asked);
  const { httpLimit } = principal.row;
  const by = { kind: 'user' as const, name: username };
  await limits.makeRoom({ kind: 'login', username }, by);
  return await issue(
    options,
    principal,
    {
      kind: 'login',
      label: label ?? null,
      hours: asked.expireTimeInHours ?? loginHours,
      endsAt: null,
      by,
    },
    cause,
    () => httpLimit,
  );
}

/** @throws Refused `login-throttled`, `credentials-invalid`, HashingBusy */
async function signedIn(
  options: TokenAdministrationOptions,
  asked: Login,
): Promise<Principal & { readonly row: { readonly status: 'active' } }> {
  const { authority, proofs, seen, throttles, pace } = options;
  const { username, password } = asked;
  const source = sourceKey(asked.source);
  const waits = () => {
    const nameWait = throttles.names.wait(source, username);
    return { nameWait, seconds: Math.max(throttles.sources.wait(source).all, nameWait.all) };
  };
  const { nameWait, seconds: retryAfterSeconds } = waits();
  const offered = proofs.of(username, password);
  const prove = () => offered.full(source, 'sign-in', asked.gone);
  // A slow hash takes its own time, whoever's name it is: what comes after it is paced.
  const hashed = retryAfterSeconds === 0 && !isStrong(password) ? await prove() : undefined;

  return await pace(
    async () => {
      if (
        retryAfterSeconds > 0 &&
        !(await isKnownHere(options, asked, offered, nameWait.own > 0))
      ) {
        throttles.names.count(source, username);
        throw new Refused('login-throttled', { retryAfterSeconds });
      }
      const proof = hashed ?? (await prove());
      const principal = authority.active(username);
      const row = principal?.row;
      const isProven = row?.status === 'active' && (await proof.proves(row.credentialId));
      // Beside a key a password is no way in.
      if (!principal || row?.status !== 'active' || !isProven || !row.passwordOpens) {
        // Those that came together have filled the minute meanwhile.
        const { seconds } = waits();
        if (seconds > 0) throw new Refused('login-throttled', { retryAfterSeconds: seconds });
        throttles.sources.count(source);
        throttles.names.count(source, username);
        throw new Refused('credentials-invalid');
      }
      proof.remember(row.credentialId);
      seen.note(source, row.credentialId);
      return { ...principal, row };
    },
    () => true,
  );
}

/**
 * Whoever hammers from behind the same address does not keep its people out. Where it is this very name that
 * is guessed at from there, only a password that cannot be guessed gets in: the others would be guessed on at full speed.
 */
async function isKnownHere(
  { authority, seen }: TokenAdministrationOptions,
  { username, password, source }: Login,
  offered: OfferedPassword,
  isGuessedAt: boolean,
): Promise<boolean> {
  const row = authority.active(username)?.row;
  if (row?.status !== 'active' || (isGuessedAt && !isStrong(password))) return false;
  const { credentialId } = row;
  return (
    seen.isTrusted(password, sourceKey(source), credentialId) &&
    (await offered.quick().proves(credentialId))
  );
}
