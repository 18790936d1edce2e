/** Both doors: the order of checks, the same for REST and MQTT (SPEC 4, rows 2 to 8). */
import { initial } from '../../domain/client/state.ts';
import { system } from '../../domain/values.ts';
import { registryId } from '../../domain/window.ts';
import type { Cause } from '../commands/handle.ts';
import { isStrong } from '../credentials/passwords/passwords.ts';
import type { Proof, Proofs } from '../credentials/passwords/proofs.ts';
import type { SeenCredentials } from '../credentials/passwords/seen.ts';
import { triesWhereKnownPerMinute } from '../limits.ts';
import { sourceKey } from '../platform/networks.ts';
import type { Pace } from '../platform/pace.ts';
import { createThrottle, type Throttle } from '../platform/throttle.ts';
import { StoreUnavailable } from '../store/event-store.ts';
import { accessIsOver, answerOnly, type DoorAnswer, granted, pending } from './answers.ts';
import {
  type DoorAttempt,
  RegistrationAttempt,
  type RegistrationAttemptOptions,
} from './attempt.ts';

export interface Registration {
  /** @throws HashingBusy, StoreUnavailable */
  ask(attempt: DoorAttempt, cause: Cause): Promise<DoorAnswer>;
  /** What the credential of a request would be told now, never that the registry is locked. */
  answerFor(requestId: string): DoorAnswer | undefined;
}

interface RegistrationOptions extends RegistrationAttemptOptions {
  readonly proofs: Proofs;
  readonly seen: SeenCredentials;
  /** Tells refusals at times that tell nothing of the name. */
  readonly pace: Pace;
  /**
   * The attempts of a source that matched nothing, and those at one name from it; `names` null: the doors
   * have no limit for them.
   */
  readonly throttles: { readonly sources: Throttle; readonly names: Throttle | null };
  /** False: this node was cut off from the log for so long that it may not know who has access. */
  readonly inTouch: () => boolean;
  readonly onOutcome?: (flow: DoorAttempt['flow'], outcome: string) => void;
  /** Told of a password that belongs to what waits or was granted, while it is in memory; never throws. */
  readonly onProven?: (attempt: DoorAttempt, answer: DoorAnswer) => void;
}

/** How an attempt is counted, and the seconds that its source, or its name from there, has to wait. */
interface Waits {
  readonly key: string;
  readonly name: string;
  readonly nameWait: number;
  /** Of both the longer. */
  readonly wait: number;
}

export function createRegistration(options: RegistrationOptions): Registration {
  const { authority, proofs, seen, pace, rows, knocks, now } = options;
  const { sources, names } = options.throttles;
  /** What a throttled source tried at a name: a neighbour of its owner must not guess on at full speed. */
  const tries = createThrottle(triesWhereKnownPerMinute);

  /** The quick ways in, which need neither a slow hash nor the store: a remembered or a strong password. */
  async function quickly(attempt: DoorAttempt, wait: number): Promise<DoorAnswer | undefined> {
    const found = authority.active(attempt.username);
    if (found?.row.status !== 'active') return undefined;
    const { credentialId } = found.row;
    const { username, password } = attempt;
    const source = sourceKey(attempt.source);
    if (wait > 0 && !seen.isTrusted(password, source, credentialId)) return undefined;
    const proof = proofs.quick(username, password);
    if (!(await proof.proves(credentialId))) return undefined;
    seen.note(source, credentialId);
    proof.remember(found.row.credentialId);
    return granted(found.row, options.position());
  }

  /** Row 2; undefined: its credential matches, and this source has shown it before. */
  async function whileThrottled(
    attempt: DoorAttempt,
    waits: Waits,
  ): Promise<DoorAnswer | undefined> {
    const { username, password } = attempt;
    const { key, name, wait, nameWait } = waits;
    const position = options.position();
    const throttled: DoorAnswer = { kind: 'throttled', retryAfterSeconds: wait, position };
    if (!isStrong(password)) {
      // People are guessed at where devices are: what a login would not take is not taken here.
      if (nameWait > 0 && authority.principal(username)?.holdsHttpRights) return throttled;
      if (tries.waitSeconds(name) > 0) return throttled;
    }
    const quick = await quickly(attempt, wait);
    if (quick) return quick;
    const known = authority.principal(username)?.row ?? initial;
    const matched = await proofs.quick(username, password).matching(known);
    if (matched !== null && seen.isTrusted(password, key, matched)) return undefined;
    if (!isStrong(password)) tries.count(name);
    names?.count(name);
    return throttled;
  }

  function waitsOf({ source, username }: DoorAttempt): Waits {
    const key = sourceKey(source);
    const name = `${key} ${username}`;
    const nameWait = names?.waitSeconds(name) ?? 0;
    return { key, name, nameWait, wait: Math.max(sources.waitSeconds(key), nameWait) };
  }

  /** Rows 3 to 8. */
  async function decided(
    attempt: DoorAttempt,
    proof: Proof,
    { key, name }: Waits,
    cause: Cause,
  ): Promise<DoorAnswer> {
    await recordEnds(options, attempt.username, cause);
    const { answer, matched, keptCredentialId } = await new RegistrationAttempt(
      options,
      attempt,
      proof,
    ).run(cause);
    if (matched === null && answer.kind === 'refused') {
      sources.count(key);
      names?.count(name);
    }
    // Also where an old credential was shown to ask anew: the next poll shows the new one.
    for (const credentialId of [matched, keptCredentialId])
      if (credentialId !== null) seen.note(key, credentialId);
    return answer;
  }

  async function ask(attempt: DoorAttempt, cause: Cause): Promise<DoorAnswer> {
    if (!options.inTouch()) throw new StoreUnavailable('this node is cut off from the log');
    const { username, password } = attempt;
    const waits = waitsOf(attempt);
    const prove = () => proofs.full(username, password, waits.key);
    const isAdmission = ({ kind }: DoorAnswer) => kind === 'granted' || kind === 'pending';

    // A slow hash takes its own time, whoever's name it is: what comes after it is paced.
    if (waits.wait === 0 && !isStrong(password)) {
      const quick = await quickly(attempt, 0);
      if (quick) return reported(attempt, quick);
      const proof = await prove();
      const answer = await pace(() => decided(attempt, proof, waits, cause), isAdmission);
      return reported(attempt, answer);
    }
    const answer = await pace(async () => {
      const early =
        waits.wait > 0 ? await whileThrottled(attempt, waits) : await quickly(attempt, 0);
      return early ?? (await decided(attempt, await prove(), waits, cause));
    }, isAdmission);
    return reported(attempt, answer);
  }

  /** Tells those who count and stage of an answer, and passes it on. */
  const reported = (attempt: DoorAttempt, answer: DoorAnswer): DoorAnswer => {
    if (answer.kind === 'pending') knocks.forget(attempt.username);
    if (answer.kind === 'pending' || answer.kind === 'granted') options.onProven?.(attempt, answer);
    options.onOutcome?.(attempt.flow, answer.kind === 'refused' ? answer.refusal : answer.kind);
    return answer;
  };

  return {
    ask,
    answerFor(requestId) {
      const request = rows.requests.get(requestId);
      if (!request) return undefined;
      const row = rows.access.get(request.username) ?? { ...initial, username: request.username };
      const position = options.position();
      if (request.status === 'pending' && request.expiresAt > now())
        return pending(request, position);
      return answerOnly(rows.history, row, request, now(), position);
    },
  };
}

/** Records what has ended at this name already, should the expiry job not have come to it yet. */
async function recordEnds(
  { clients, rows, now }: RegistrationOptions,
  username: string,
  cause: Cause,
): Promise<void> {
  const row = rows.access.get(username);
  if (!row) return;
  const ends = { username, at: now(), by: system };
  const waiting =
    row.status === 'pending' ? row.waiting : row.status === 'active' ? row.challenger : null;
  if (waiting && waiting.expiresAt <= ends.at) {
    const { requestId } = waiting;
    await clients.change(username, { type: 'ExpireRegistration', requestId, ...ends }, cause);
  }
  if (accessIsOver(row, ends.at)) {
    const windowId = rows.window.get(registryId)?.windowId ?? null;
    await clients.change(username, { type: 'ExpireAccess', windowId, ...ends }, cause);
  }
}
