/** Row 2 of the door, and the ways past it: who guesses too often waits, and what needs no slow hash is answered at once. */
import { type Client, initial } from '../../domain/client/state.ts';
import type { Authority } from '../authority.ts';
import type { Basis } from '../commands/handle.ts';
import { isStrong } from '../credentials/passwords/passwords.ts';
import type { OfferedPassword } from '../credentials/passwords/proofs.ts';
import type { SeenCredentials } from '../credentials/passwords/seen.ts';
import { triesWhereKnownPerMinute } from '../limits/doors.ts';
import { sourceKey } from '../platform/networks.ts';
import { type Soon, soon } from '../platform/soon.ts';
import type { SourceThrottle } from '../platform/source-throttle.ts';
import { createThrottle } from '../platform/throttle.ts';
import type { DoorAnswer } from './answers.ts';
import { type DoorAttempt, matching } from './door-attempt.ts';
import type { KnownLogin, KnownLogins } from './known-logins.ts';

export interface QuickAdmissionOptions {
  readonly authority: Authority;
  readonly logins: Pick<KnownLogins, 'active'>;
  readonly seen: SeenCredentials;
  /**
   * The attempts of a source that matched nothing, and those at one name from it; `names` null: the doors
   * have no limit for them.
   */
  readonly throttles: { readonly sources: SourceThrottle; readonly names: SourceThrottle | null };
  readonly position: () => string;
  readonly now: () => string;
  /** What this node knows of a client; undefined: nothing that can be gone by. */
  readonly atHand: (username: string) => Pick<Basis<Client>, 'state'> | undefined;
  /** Of a request, as long as it is there. */
  readonly pairingIdOf: (requestId: string) => string | null;
}

/** How an attempt is counted, and the seconds that its source, or its name from there, has to wait. */
export interface Waits {
  readonly source: string;
  readonly username: string;
  /** For what was tried at this name from this source, its neighbours aside. */
  readonly nameWait: number;
  /** The longest of all. */
  readonly wait: number;
}

export interface QuickAdmission {
  /** How an attempt is counted, and how long it has to wait. */
  waitsOf(attempt: DoorAttempt): Waits;
  /** A strong password, its verifier in memory, of a client that is active or waits; undefined: it takes more to tell. */
  atHand(attempt: DoorAttempt, offered: OfferedPassword): DoorAnswer | undefined;
  /** A remembered or a strong password of an active client; undefined: it takes a slow hash or the store to tell. */
  quickly(
    attempt: DoorAttempt,
    offered: OfferedPassword,
    wait: number,
  ): Soon<DoorAnswer | undefined>;
  /** Row 2; undefined: its credential matches, and this source has shown it before. */
  whileThrottled(
    attempt: DoorAttempt,
    offered: OfferedPassword,
    waits: Waits,
  ): Promise<DoorAnswer | undefined>;
  /** Whether its credential is one of the name's, as far as that is known without a slow hash. */
  isKnownQuickly(attempt: DoorAttempt, offered: OfferedPassword): Soon<boolean>;
  /** Counts an attempt that matched nothing. */
  countMismatch(waits: Waits): void;
}

export function createQuickAdmission(options: QuickAdmissionOptions): QuickAdmission {
  const { authority, seen } = options;
  const { sources, names } = options.throttles;
  /** What a throttled source tried at a name: a neighbour of its owner must not guess on at full speed. */
  const tries = createThrottle(triesWhereKnownPerMinute);

  const { loginFor, grantedTo, atHand } = passwordsAlone(options);

  function quickly(
    attempt: DoorAttempt,
    offered: OfferedPassword,
    wait: number,
  ): Soon<DoorAnswer | undefined> {
    const login = loginFor(attempt);
    if (login === undefined) return undefined;
    const { password, credentialId } = login;
    const source = sourceKey(attempt.source);
    if (wait > 0 && !seen.isTrusted(password, source, credentialId)) return undefined;
    const proof = offered.quick();
    return soon(proof.proves(credentialId), (isRight) => {
      if (!isRight) return undefined;
      if (!isStrong(password)) seen.note(source, credentialId);
      proof.remember(credentialId);
      return grantedTo(attempt, login);
    });
  }

  async function whileThrottled(
    attempt: DoorAttempt,
    offered: OfferedPassword,
    waits: Waits,
  ): Promise<DoorAnswer | undefined> {
    const { username, password } = attempt;
    const { source, wait, nameWait } = waits;
    const name = `${source} ${username}`;
    const position = options.position();
    const throttled: DoorAnswer = { kind: 'throttled', retryAfterSeconds: wait, position };
    const isGuessable = password !== null && !isStrong(password);
    if (isGuessable) {
      // People are guessed at where devices are: what a login would not take is not taken here.
      if (nameWait > 0 && authority.principal(username)?.holdsHttpRights) return throttled;
      if (tries.waitSeconds(name) > 0) return throttled;
    }
    const quick = await quickly(attempt, offered, wait);
    if (quick) return quick;
    const matched = await matchedQuickly(options, attempt, offered);
    const isTrusted = (id: string) => password === null || seen.isTrusted(password, source, id);
    if (matched !== null && isTrusted(matched)) return undefined;
    if (isGuessable) tries.count(name);
    names?.count(source, username);
    return throttled;
  }

  function waitsOf(attempt: DoorAttempt): Waits {
    const { username } = attempt;
    const source = sourceKey(attempt.source);
    const nameWait = names?.wait(source, username) ?? { own: 0, all: 0 };
    const wait = Math.max(sources.wait(source).all, nameWait.all);
    return { source, username, nameWait: nameWait.own, wait };
  }

  function countMismatch({ source, username }: Waits): void {
    sources.count(source);
    names?.count(source, username);
  }

  const isKnownQuickly = (attempt: DoorAttempt, offered: OfferedPassword) =>
    soon(matchedQuickly(options, attempt, offered), (matched) => matched !== null);
  return { waitsOf, atHand, quickly, whileThrottled, isKnownQuickly, countMismatch };
}

/** Active clients that a password alone lets in. */
function passwordsAlone(options: QuickAdmissionOptions) {
  const { logins, position } = options;
  function loginFor({ username, password, key }: DoorAttempt) {
    // A key that it may not have yet is decided on by its state.
    if (password === null || (key ?? null) !== null) return undefined;
    const login = logins.active(username);
    return login && { password, credentialId: login.credentialId, requestId: login.requestId };
  }

  const grantedTo = (
    { username }: DoorAttempt,
    { credentialId, requestId }: Pick<KnownLogin, 'credentialId' | 'requestId'>,
  ): DoorAnswer => ({ kind: 'granted', username, requestId, credentialId, position: position() });

  function atHand(attempt: DoorAttempt, offered: OfferedPassword): DoorAnswer | undefined {
    if (attempt.password === null || !isStrong(attempt.password)) return undefined;
    const login = loginFor(attempt);
    if (login === undefined) return waitingAtHand(options, attempt, offered);
    const isRight = offered.atHand(login.credentialId) === true;
    return isRight ? grantedTo(attempt, login) : undefined;
  }

  return { loginFor, grantedTo, atHand };
}

/** Row 3: who waits is told so, whatever the gate and the rules. */
function waitingAtHand(
  { atHand, now, pairingIdOf, position }: QuickAdmissionOptions,
  { username, key = null }: DoorAttempt,
  offered: OfferedPassword,
): DoorAnswer | undefined {
  const state = key === null ? atHand(username)?.state : undefined;
  if (state?.status !== 'pending' || state.waiting.expiresAt <= now()) return undefined;
  const { requestId, credentialId, expiresAt } = state.waiting;
  if (offered.atHand(credentialId) !== true) return undefined;
  const pairingId = pairingIdOf(requestId);
  return { kind: 'pending', requestId, username, pairingId, expiresAt, position: position() };
}

/** Which known credential of the name is offered, as far as no slow hash tells it. */
function matchedQuickly(
  { authority }: QuickAdmissionOptions,
  attempt: DoorAttempt,
  offered: OfferedPassword,
): Soon<string | null> {
  const known = authority.principal(attempt.username)?.row ?? initial;
  return matching(attempt, offered.quick(), known);
}
