/** People who come from the identity provider: bound to a name at the first sign-in, each sign-in a grant with an end. */
import { randomUUID } from 'node:crypto';
import { client } from '../../domain/client/client.ts';
import type { ClientCommandOf } from '../../domain/client/commands.ts';
import { person } from '../../domain/client/person.ts';
import type { Client } from '../../domain/client/state.ts';
import { noRights } from '../../domain/rights.ts';
import type { Authority } from '../authority.ts';
import type { Clients } from '../commands/client-commands.ts';
import { type Cause, handleDecision, load } from '../commands/handle.ts';
import { Refused } from '../commands/refused.ts';
import { retryAfterSeconds } from '../limits/http.ts';
import { addMs } from '../platform/instant.ts';
import { sourceKey } from '../platform/networks.ts';
import type { SourceThrottle } from '../platform/source-throttle.ts';
import type { ProvenPerson } from '../sign-on/claims.ts';
import { NotProven } from '../sign-on/identity-provider.ts';
import { ProviderUnavailable } from '../sign-on/provider-fetch.ts';
import { type SignOn, TooManyWaiting } from '../sign-on/sign-on.ts';
import type { TokenLimits } from './tokens/issue.ts';
import { issue, type TokenIssueOptions } from './tokens/issue.ts';

export interface PeopleAdministrationOptions extends TokenIssueOptions {
  readonly authority: Authority;
  readonly clients: Clients;
  readonly throttles: { readonly sources: SourceThrottle };
  /** Null: single sign-on is off. */
  readonly signOn: SignOn | null;
  readonly signInMs: number;
}

interface Asking {
  readonly source: string | null;
  readonly cause: Cause;
}

/** The longest that a sign-in lasts, in hours. */
const hoursMax = 24;
const noGroup = 'the identity provider names no group of this person that has a role here';

/** Rejects with Refused `sso-unavailable`, `credentials-invalid`, `sso-not-permitted`, `sso-username-taken`, `login-throttled`. */
export function createPeopleAdministration(
  options: PeopleAdministrationOptions,
  limits: TokenLimits,
) {
  const { throttles } = options;

  /** What comes from nobody who was proven counts as an attempt of its source. */
  async function counted<Result>(
    { source }: Asking,
    ask: (signOn: SignOn) => Promise<Result>,
  ): Promise<Result> {
    const { signOn } = options;
    if (signOn === null) throw new Refused('sso-unavailable');
    const from = sourceKey(source);
    const waitSeconds = throttles.sources.wait(from).all;
    if (waitSeconds > 0) throw new Refused('login-throttled', { retryAfterSeconds: waitSeconds });
    try {
      return await ask(signOn);
    } catch (error) {
      if (error instanceof NotProven) throttles.sources.count(from);
      throw refusedOf(error);
    }
  }

  return {
    beginSignIn: (asking: Asking) => counted(asking, (signOn) => signOn.begin()),

    /** @param query as the browser came back with it @param kept what it kept meanwhile; null: nothing */
    async finishSignIn(asking: Asking & { query: string; kept: string | null }) {
      const proven = await counted(asking, (signOn) => signOn.finish(asking.query, asking.kept));
      return await signedIn(options, limits, proven, 'page', asking.cause);
    },

    beginDeviceSignIn: (asking: Asking) =>
      counted(asking, (signOn) => signOn.beginDevice(sourceKey(asking.source))),

    /** `waiting`: the person has not been there yet. */
    async finishDeviceSignIn(asking: Asking & { deviceCode: string }) {
      const answer = await counted(asking, (signOn) => signOn.askDevice(asking.deviceCode));
      if ('waiting' in answer) return answer;
      return await signedIn(options, limits, answer, 'gatebook login --sso', asking.cause);
    },
  };
}

function refusedOf(error: unknown): unknown {
  if (error instanceof NotProven)
    return new Refused('credentials-invalid', {
      detail: 'The identity provider does not vouch for this sign-in: begin it anew.',
    });
  if (error instanceof ProviderUnavailable) return new Refused('sso-unavailable');
  if (error instanceof TooManyWaiting)
    return new Refused('login-throttled', {
      detail: 'Too many sign-ins wait for their person: wait and try again.',
      retryAfterSeconds,
    });
  return error;
}

/** Binds, grants, and issues the token that the sign-in is used by. */
async function signedIn(
  options: PeopleAdministrationOptions,
  limits: TokenLimits,
  proven: ProvenPerson,
  label: string,
  cause: Cause,
) {
  const { authority, clients, now } = options;
  const { personId } = proven;
  const roles = proven.roles.filter(authority.roleExists);
  if (roles.length === 0) return await turnedAway(options, proven, cause);
  const endsAt = addMs(now(), options.signInMs);
  const command = {
    ...({ type: 'SignInPerson', personId, issuer: proven.issuer } as const),
    ...{ credentialId: randomUUID(), rights: { ...noRights, roles, expiresAt: endsAt } },
  };
  const stamped = (username: string) => ({
    ...{ ...command, username, at: now(), by: { kind: 'user' as const, name: username } },
  });
  const { username } = await bound(options, proven, stamped, cause);
  const { by } = stamped(username);
  await limits.makeRoom({ kind: 'login', username }, by);
  const { decision } = await clients.change(username, () => stamped(username), cause);
  if (!decision.accepted) throw new Refused(decision.refusal);
  const principal = authority.active(username);
  // Suspended, or revoked, in this very moment.
  if (principal?.row.personId !== personId) throw new Refused('sso-not-permitted');
  const token = { kind: 'login', label, hours: hoursMax, endsAt, by } as const;
  return { username, ...(await issue(options, principal, token, cause, () => null)) };
}

/** No group of theirs gives access: what an earlier sign-in gave ends. */
async function turnedAway(
  { store, clients, now }: PeopleAdministrationOptions,
  proven: ProvenPerson,
  cause: Cause,
): Promise<never> {
  const { personId } = proven;
  const { state } = await load(store, person, personId);
  const username = state.username ?? proven.username;
  if (username !== null) {
    const by = { kind: 'user', name: username } as const;
    const end = { type: 'EndPersonAccess', username, personId, reason: noGroup } as const;
    await clients.change(username, () => ({ ...end, at: now(), by }), cause);
  }
  throw new Refused('sso-not-permitted');
}

/**
 * Binds the person to the name that they have already, unless somebody else has it by now; else to the one that the
 * claim gives. Decided on one revision of the person's stream, so that one person never comes to two names.
 * @throws Refused, and then nothing is bound
 */
async function bound(
  { store }: PeopleAdministrationOptions,
  proven: ProvenPerson,
  commandFor: (username: string) => ClientCommandOf<'SignInPerson'>,
  cause: Cause,
): Promise<{ readonly username: string }> {
  const { personId, issuer } = proven;
  if (proven.username === null) throw new Refused('sso-not-permitted');
  const claimed = proven.username;
  const stateOf = async (username: string) => (await load(store, client, username)).state;
  return await handleDecision(
    ...([store, person, personId] as const),
    async (before) => {
      const isKept = before.username !== null && isOpenTo(await stateOf(before.username), personId);
      const username = isKept && before.username !== null ? before.username : claimed;
      const command = commandFor(username);
      const foreseen = client.decide(command, await stateOf(username));
      if (!foreseen.accepted) throw new Refused(foreseen.refusal);
      const { at, by } = command;
      const bind = { type: 'BindPerson', personId, issuer, username, at, by } as const;
      return { decision: person.decide(bind, before), username };
    },
    cause,
  );
}

/** Whether a name is theirs, or nobody's. */
const isOpenTo = (state: Client, personId: string): boolean =>
  state.personId === personId || (state.personId === null && state.status === 'unknown');
