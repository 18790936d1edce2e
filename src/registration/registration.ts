/** Both doors: the order of checks, the same for REST and MQTT (SPEC 4, rows 2 to 8). */
import { doorName } from '../../domain/client/door-name.ts';
import { initial, isKeyAlone } from '../../domain/client/state.ts';
import { system } from '../../domain/values.ts';
import { registryId } from '../../domain/window.ts';
import type { ShownCertificate } from '../broker/ports/authenticator.ts';
import type { Cause } from '../commands/handle.ts';
import { isStrong } from '../credentials/passwords/passwords.ts';
import {
  noPassword,
  type OfferedPassword,
  type Proof,
  type Proofs,
} from '../credentials/passwords/proofs.ts';
import { pairingIdsMax } from '../limits/doors.ts';
import { BoundedMap } from '../platform/bounded-map.ts';
import { monotonicMs } from '../platform/pace/monotonic.ts';
import type { Pace } from '../platform/pace/pace.ts';
import { type Soon, soon } from '../platform/soon.ts';
import { StoreUnavailable } from '../store/event-store.ts';
import { accessIsOver, answerOnly, certified, type DoorAnswer, pending } from './answers.ts';
import {
  type AttemptOutcome,
  RegistrationAttempt,
  type RegistrationAttemptOptions,
} from './attempt.ts';
import { type CountedFlow, countedFlow, type DoorAttempt } from './door-attempt.ts';
import type { Knock } from './knocks.ts';
import {
  createQuickAdmission,
  type QuickAdmission,
  type QuickAdmissionOptions,
  type Waits,
} from './quick-admission.ts';

export interface Registration {
  /** Throws, or rejects with, HashingBusy and StoreUnavailable. */
  ask(attempt: DoorAttempt, cause: Cause): Soon<DoorAnswer>;
  /** What the credential of a request would be told now, never that the registry is locked. */
  answerFor(requestId: string): DoorAnswer | undefined;
  /** Whether the client of a request was erased since it was made: then nothing stands for it any more. */
  isErased(requestId: string): boolean;
  /** What the holder of a client certificate is told now; undefined: it stands for nothing. */
  answerForCertificate(shown: ShownCertificate): DoorAnswer | undefined;
  /** Whether a request was made with a CSR: then its answers tell nobody more than status and certificate. */
  isByKey(requestId: string): boolean;
  /** Whether a client has no password, though one may come along: a rule let in its key alone. */
  isKeyAlone(username: string): boolean;
}

interface RegistrationOptions
  extends Omit<RegistrationAttemptOptions & QuickAdmissionOptions, 'pairingIdOf'> {
  readonly proofs: Proofs;
  /** Whether a name is one that people have who sign in at the identity provider: it never asks here. */
  readonly isPersonName: (name: string) => boolean;
  /** Tells refusals at times that tell nothing of the name. */
  readonly pace: Pace;
  /** False: this node was cut off from the log for so long that it may not know who has access. */
  readonly inTouch: () => boolean;
  /** An attempt comes to where something of it may be recorded. */
  readonly onDeciding?: (attempt: DoorAttempt, cause: Cause) => void;
  readonly onOutcome?: (flow: CountedFlow, outcome: string) => void;
  /** Told of a password that belongs to what waits or was granted, while it is in memory; never throws. */
  readonly onProven?: (attempt: DoorAttempt, answer: DoorAnswer) => void;
}

export function createRegistration(given: RegistrationOptions): Registration {
  const options = { ...given, pairingIdOf: rememberedPairingIds(given) };
  const { proofs, pace } = options;
  const quick = createQuickAdmission(options);
  const { waitsOf, atHand, quickly, whileThrottled } = quick;
  const wrongCodeAnswer = refusingWrongCodes(options, quick);
  const reported = reporting(options);
  const decided = deciding(options, quick);

  /** With a hash, or at once of a strong password. */
  const proofFor = ({ gone }: DoorAttempt, offered: OfferedPassword, { source }: Waits) =>
    offered.full(source, 'door', gone);

  /** A slow hash takes its own time, whoever's name it is: what comes after it is paced. */
  async function weakly(
    attempt: DoorAttempt,
    offered: OfferedPassword,
    waits: Waits,
    cause: Cause,
  ): Promise<DoorAnswer> {
    const remembered = await quickly(attempt, offered, 0);
    if (remembered) return remembered;
    const proof = await proofFor(attempt, offered, waits);
    return await pace(() => decided(attempt, proof, waits, cause), admissionAt(attempt));
  }

  function judged(
    attempt: DoorAttempt,
    offered: OfferedPassword,
    cause: Cause,
    begunMs: number,
  ): Soon<DoorAnswer> {
    const { password } = attempt;
    const waits = waitsOf(attempt);
    const isWeak = password !== null && !isStrong(password);
    if (waits.wait === 0 && isWeak && !options.rules.showsWrongCode(attempt))
      return weakly(attempt, offered, waits, cause);
    const proven = () =>
      soon(proofFor(attempt, offered, waits), (proof) => decided(attempt, proof, waits, cause));
    const act = () => {
      const early =
        waits.wait > 0 ? whileThrottled(attempt, offered, waits) : quickly(attempt, offered, 0);
      const refused = soon(early, (known) => known ?? wrongCodeAnswer(attempt, offered, waits));
      return soon(refused, (known) => known ?? proven());
    };
    return pace(act, admissionAt(attempt), begunMs);
  }

  function ask(attempt: DoorAttempt, cause: Cause): Soon<DoorAnswer> {
    if (!options.inTouch()) throw new StoreUnavailable('this node is cut off from the log');
    const begunMs = monotonicMs();
    const { username, password } = attempt;
    const offered = password === null ? noPassword : proofs.of(username, password);
    return soon(atHand(attempt, offered) ?? judged(attempt, offered, cause, begunMs), (answer) =>
      reported(attempt, answer),
    );
  }

  return {
    ask: (attempt, cause) => ask(askedBy(options, attempt), cause),
    ...withoutAttempt(options),
  };
}

/** Rows 3 to 8. */
function deciding(
  options: RegistrationOptions & RegistrationAttemptOptions,
  { countMismatch, waitsOf }: Pick<QuickAdmission, 'countMismatch' | 'waitsOf'>,
) {
  return (attempt: DoorAttempt, proof: Proof, waits: Waits, cause: Cause): Soon<DoorAnswer> => {
    const making = new RegistrationAttempt(options, attempt, proof);
    const told = ({ answer, matched, keptCredentialId }: AttemptOutcome): DoorAnswer => {
      if (matched === null && answer.kind === 'refused') {
        // Those that were looked at together have filled the minute meanwhile.
        const { wait } = waitsOf(attempt);
        if (wait > 0)
          return { kind: 'throttled', retryAfterSeconds: wait, position: answer.position };
        countMismatch(waits);
      }
      noteSeen(options, attempt, waits.source, [matched, keptCredentialId]);
      return answer;
    };
    const recorded = async () => {
      options.onDeciding?.(attempt, cause);
      const ends = endsOf(options, attempt.username);
      if (ends !== undefined) await recordEnds(options, attempt.username, ends, cause);
      return told(await making.run(cause));
    };
    const early =
      endsOf(options, attempt.username) === undefined ? making.whileClosed() : undefined;
    return soon(early, (known) => (known === undefined ? recorded() : told(known)));
  };
}

/** What is told where nobody shows a password. */
const withoutAttempt = (options: RegistrationOptions): Omit<Registration, 'ask'> => ({
  answerFor: (requestId) => answerFor(options, requestId),
  isErased: (requestId) => isErased(options, requestId),
  answerForCertificate: (shown) => answerForCertificate(options, shown),
  isKeyAlone: (username) => isKeptByKey(options, username),
  isByKey: (requestId) => (options.rows.requests.get(requestId)?.csr ?? null) !== null,
});

const overReasons: Readonly<Partial<Record<string, Knock['reason']>>> = {
  'access-suspended': 'suspended',
  'registration-denied': 'denied',
  'access-revoked': 'revoked',
  'access-expired': 'expired',
};

/** A client whose access is over and that keeps trying with its own credential is shown as turned away. */
function countOver(
  { knocks, now }: RegistrationOptions,
  attempt: DoorAttempt,
  refusal: string,
): void {
  const reason = overReasons[refusal];
  if (reason === undefined) return;
  const { username, source, flow } = attempt;
  const door = doorName(attempt);
  knocks.count({ username, source: source ?? 'unknown', flow, door, reason }, now());
}

/** Tells those who count and stage of an answer, and passes it on. */
const reporting =
  (options: RegistrationOptions) =>
  (attempt: DoorAttempt, answer: DoorAnswer): DoorAnswer => {
    const { knocks } = options;
    if (answer.kind === 'pending') knocks.forget(attempt.username);
    if (answer.kind === 'granted') knocks.admitted(attempt.username, attempt.source ?? 'unknown');
    if (answer.kind === 'refused') countOver(options, attempt, answer.refusal);
    if (answer.kind === 'pending' || answer.kind === 'granted') options.onProven?.(attempt, answer);
    const outcome = answer.kind === 'refused' ? answer.refusal : answer.kind;
    options.onOutcome?.(countedFlow(attempt), outcome);
    return answer;
  };

/** EST tells who waits and who is turned away the same: then their times are the same, too. */
const admissionAt =
  ({ door }: DoorAttempt) =>
  ({ kind }: DoorAnswer): boolean =>
    kind === 'granted' || (kind === 'pending' && door !== 'est');

/** A name of a person is nobody's to ask for. */
const askedBy = ({ isPersonName }: RegistrationOptions, asked: DoorAttempt): DoorAttempt =>
  isPersonName(asked.username) ? { ...asked, mayAsk: false } : asked;

/** Notes that a source showed a weak password that is one of the name's. */
function noteSeen(
  options: RegistrationOptions,
  { username, password }: DoorAttempt,
  source: string,
  shown: readonly (string | null)[],
): void {
  // A strong password is no guess, whoever shows it: of most names nothing is looked up here.
  if (password === null || isStrong(password)) return;
  // A CSR is no secret: whoever shows one has shown no password.
  if (isKeptByKey(options, username)) return;
  // Also where an old credential was shown to ask anew: the next poll shows the new one.
  for (const credentialId of shown)
    if (credentialId !== null) options.seen.note(source, credentialId);
}

function isKeptByKey({ rows }: RegistrationOptions, username: string): boolean {
  const row = rows.access.get(username);
  return row !== undefined && 'credentialId' in row && isKeyAlone(row, row.credentialId);
}

/**
 * A code that no rule was ever made with is a guess: it costs no slow hash, and is told as a locked gate is.
 * Undefined: it is none, or what came along is known without a hash.
 */
const refusingWrongCodes =
  (
    { rules, knocks, onKnock, now, position }: RegistrationOptions,
    { isKnownQuickly, countMismatch }: QuickAdmission,
  ) =>
  (attempt: DoorAttempt, offered: OfferedPassword, waits: Waits): Soon<DoorAnswer | undefined> => {
    if (!rules.showsWrongCode(attempt)) return undefined;
    return soon(isKnownQuickly(attempt, offered), (isKnown) => {
      if (isKnown) return undefined;
      const { username, source, flow } = attempt;
      const door = doorName(attempt);
      knocks.count({ username, source: source ?? 'unknown', flow, door, reason: 'locked' }, now());
      onKnock?.(countedFlow(attempt));
      countMismatch(waits);
      return {
        ...{ kind: 'refused', refusal: 'registry-locked', position: position() },
        ...{ requestId: null, members: null },
      };
    });
  };

function answerFor(
  { rows, now, position: here }: RegistrationOptions,
  requestId: string,
): DoorAnswer | undefined {
  const request = rows.requests.get(requestId);
  if (!request) return undefined;
  const position = here();
  if (request.status === 'pending' && request.expiresAt > now()) return pending(request, position);
  const row = rows.access.get(request.username) ?? { ...initial, username: request.username };
  return answerOnly(rows.history, row, request, now(), position);
}

function isErased({ rows }: RegistrationOptions, requestId: string): boolean {
  const request = rows.requests.get(requestId);
  if (request === undefined) return false;
  const where = [
    { column: 'username', is: request.username },
    { column: 'type', is: 'ClientErased' },
  ];
  const [erasure] = rows.history.find({ where, limit: 1 }).items;
  return erasure !== undefined && request.requestedAt < erasure.at;
}

function answerForCertificate(
  { rows, now, position: here }: RegistrationOptions,
  shown: ShownCertificate,
): DoorAnswer | undefined {
  const row = rows.access.get(shown.username);
  const at = now();
  return row === undefined || shown.notAfter <= at
    ? undefined
    : certified(rows.history, row, shown, at, here());
}

/** What has ended at this name already, should the expiry job not have come to it yet; undefined: nothing. */
function endsOf({ rows, now }: RegistrationOptions, username: string) {
  const row = rows.access.get(username);
  if (row === undefined) return undefined;
  const at = now();
  const waiting =
    row.status === 'pending' ? row.waiting : row.status === 'active' ? row.challenger : null;
  const request = waiting !== null && waiting.expiresAt <= at ? waiting : null;
  const isOver = accessIsOver(row, at);
  return request === null && !isOver ? undefined : { at, request, isOver };
}

async function recordEnds(
  options: RegistrationOptions,
  username: string,
  ends: NonNullable<ReturnType<typeof endsOf>>,
  cause: Cause,
): Promise<void> {
  const { clients, rows } = options;
  const change = { username, at: ends.at, by: system };
  if (ends.request !== null) {
    const { requestId } = ends.request;
    await clients.change(username, { type: 'ExpireRegistration', requestId, ...change }, cause);
  }
  if (ends.isOver) {
    const windowId = rows.window.get(registryId)?.windowId ?? null;
    await clients.change(username, { type: 'ExpireAccess', windowId, ...change }, cause);
  }
}

/** Of requests, for as many as poll: a request keeps the one that it began with. */
function rememberedPairingIds({ rows }: Pick<RegistrationOptions, 'rows'>) {
  const pairingIds = new BoundedMap<string, string | null>(pairingIdsMax);
  return (requestId: string): string | null => {
    const known = pairingIds.get(requestId);
    if (known !== undefined) return known;
    const row = rows.requests.get(requestId);
    if (row !== undefined) pairingIds.set(requestId, row.pairingId);
    return row?.pairingId ?? null;
  };
}
