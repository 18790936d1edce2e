/** Both doors: the order of checks, the same for REST and MQTT (SPEC 4, rows 2 to 8). */
import { randomBytes, randomUUID } from 'node:crypto';
import type { DoorRefusal, Knocking } from '../domain/client-commands.ts';
import { knock } from '../domain/client-door.ts';
import type { Client } from '../domain/client-state.ts';
import { initial } from '../domain/client-state.ts';
import { holdsHttpRights, type Permission } from '../domain/permission.ts';
import { system } from '../domain/values.ts';
import { fitsPattern, registryId } from '../domain/window.ts';
import type { AccessRow } from '../projections/access.ts';
import type { HistoryRow } from '../projections/history.ts';
import type { RequestRow } from '../projections/requests.ts';
import type { WindowRow } from '../projections/window.ts';
import type { Authority } from './authority.ts';
import type { Clients } from './clients.ts';
import { boundedCache } from './credentials/bounded-cache.ts';
import { isStrong } from './credentials/passwords.ts';
import { type Personal, sealField } from './credentials/personal.ts';
import type { Proofs } from './credentials/proofs.ts';
import type { Vault } from './credentials/vault.ts';
import {
  accessIsOver,
  answerOnly,
  type DoorAnswer,
  granted,
  pending,
  refused,
} from './door-answers.ts';
import type { Cause } from './handle.ts';
import type { Knocks } from './knocks.ts';
import { fingerprintsMax } from './limits.ts';
import { matchesNetworks, sourceKey } from './networks.ts';
import type { Rows } from './read-models/row-table.ts';
import type { Place, Room } from './room.ts';
import { StoreUnavailable } from './store/event-store.ts';
import type { Throttle } from './throttle.ts';

export type { DoorAnswer } from './door-answers.ts';

export interface DoorAttempt {
  readonly username: string;
  readonly password: string;
  /** The client's address; null where it is not known. */
  readonly source: string | null;
  readonly flow: 'explicit' | 'implicit';
  readonly clientId: string | null;
  /** Null: the registry makes one, where the client can be told. */
  readonly pairingId: string | null;
  readonly context: Readonly<Record<string, string>> | null;
  readonly requestedRoles: string[];
  readonly requestedPermissions: Permission[];
  /** False: it may only prove a credential that is known, never become a request. */
  readonly mayAsk?: boolean;
}

export interface Registration {
  /** @throws HashingBusy, StoreUnavailable */
  ask(attempt: DoorAttempt, cause: Cause): Promise<DoorAnswer>;
  /** What the credential of a request would be told now, never that the registry is locked. */
  standing(requestId: string): DoorAnswer | undefined;
}

export interface RegistrationOptions {
  readonly clients: Clients;
  readonly authority: Authority;
  readonly proofs: Proofs;
  readonly personal: Personal;
  readonly vault: Vault;
  readonly rows: {
    readonly window: Rows<WindowRow>;
    readonly requests: Rows<RequestRow>;
    readonly access: Rows<AccessRow>;
    readonly history: Rows<HistoryRow>;
  };
  readonly knocks: Knocks;
  readonly room: Room;
  readonly throttle: Throttle;
  readonly now: () => string;
  readonly position: () => string;
  readonly pendingTtlMs: number;
  /** False: this node was cut off from the log for so long that it may not know who has access. */
  readonly inTouch: () => boolean;
  readonly onOutcome?: (flow: DoorAttempt['flow'], outcome: string) => void;
  readonly onKnock?: (flow: DoorAttempt['flow']) => void;
  /** Told of a password that belongs to what waits or was granted, while it is in memory; never throws. */
  readonly onProven?: (attempt: DoorAttempt, answer: DoorAnswer) => void;
}

const laterBy = (at: string, ms: number) => new Date(Date.parse(at) + ms).toISOString();

export function createRegistration(options: RegistrationOptions): Registration {
  const { clients, authority, proofs, rows, knocks, throttle, now } = options;

  const gateFor = (window: WindowRow | undefined, attempt: DoorAttempt): Knocking['gate'] => {
    if (window?.status !== 'unlocked' || window.until <= now()) return 'locked';
    const { usernamePattern, sources } = window.limits;
    if (attempt.mayAsk === false) return 'filtered';
    if (usernamePattern !== null && !fitsPattern(usernamePattern, attempt.username))
      return 'filtered';
    return sources.length === 0 || matchesNetworks(sources, attempt.source) ? 'open' : 'filtered';
  };

  /** Which sources have shown which credentials. */
  const shown = boundedCache<true>(fingerprintsMax);
  const shownBy = (source: string, credentialId: string) => `${source} ${credentialId}`;

  /**
   * Whether a source that guessed too often is answered all the same: a strong password is not guessed,
   * and one that this source has shown before is not a guess. Without this a weak password that somebody
   * else's use made quick could be guessed as fast as this process answers.
   */
  const isNoGuess = ({ password }: DoorAttempt, source: string, credentialId: string) =>
    isStrong(password) || shown.get(shownBy(source, credentialId)) === true;

  /** The quick ways in, which need neither a slow hash nor the store: a remembered or a strong password. */
  async function quickly(attempt: DoorAttempt, wait: number): Promise<DoorAnswer | undefined> {
    const found = authority.active(attempt.username);
    if (found?.row.status !== 'active') return undefined;
    const { credentialId } = found.row;
    if (wait > 0 && !isNoGuess(attempt, sourceKey(attempt.source), credentialId)) return undefined;
    const proof = proofs.quick(attempt.username, attempt.password);
    if (!(await proof.proves(credentialId))) return undefined;
    shown.set(shownBy(sourceKey(attempt.source), credentialId), true);
    proof.remember(found.row.credentialId);
    return granted(found.row, options.position());
  }

  async function ask(attempt: DoorAttempt, cause: Cause): Promise<DoorAnswer> {
    if (!options.inTouch()) throw new StoreUnavailable('this node is cut off from the log');
    const { username, password } = attempt;
    const key = sourceKey(attempt.source);
    const wait = throttle.waitSeconds(key);
    const quick = await quickly(attempt, wait);
    if (quick) return told(attempt, quick);

    if (wait > 0) {
      const known = authority.standing(username)?.row ?? initial;
      const matched = await proofs.quick(username, password).matching(known);
      if (matched === null || !isNoGuess(attempt, key, matched))
        return told(attempt, {
          kind: 'throttled',
          retryAfterSeconds: wait,
          position: options.position(),
        });
    }
    const proof = await proofs.full(username, password, key);
    await recordEnds(username, cause);

    const visit = new Visit(options, attempt, proof, gateFor);
    const answer = await visit.make(cause);
    if (visit.matched !== null) shown.set(shownBy(key, visit.matched), true);
    else if (answer.kind === 'refused') throttle.count(key);
    else if (visit.kept !== null) shown.set(shownBy(key, visit.kept), true);
    return told(attempt, answer);
  }

  /** Records what has ended at this name already, should the clockwork not have come round to it yet. */
  async function recordEnds(username: string, cause: Cause): Promise<void> {
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

  const told = (attempt: DoorAttempt, answer: DoorAnswer): DoorAnswer => {
    if (answer.kind === 'pending') knocks.admitted(attempt.username);
    if (answer.kind === 'pending' || answer.kind === 'granted') options.onProven?.(attempt, answer);
    options.onOutcome?.(attempt.flow, answer.kind === 'refused' ? answer.refusal : answer.kind);
    return answer;
  };

  return {
    ask,
    standing(requestId) {
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

/** One attempt on its way through rows 3 to 8: what it prepared is undone unless it was recorded. */
class Visit {
  matched: string | null = null;
  readonly #options: RegistrationOptions;
  readonly #attempt: DoorAttempt;
  readonly #proof: Awaited<ReturnType<Proofs['full']>>;
  readonly #gateFor: (window: WindowRow | undefined, attempt: DoorAttempt) => Knocking['gate'];
  readonly #pairingId: string | null;
  readonly #requestId = randomUUID();
  /** Personal keys that were made for this visit. */
  readonly #keyIds = new Set<string>();
  #place: Place | undefined;
  #kept: string | undefined;
  #sealed: Pick<Knocking, 'personalKeyId' | 'source' | 'clientId' | 'context'> | undefined;
  #command: Knocking | undefined;

  constructor(
    options: RegistrationOptions,
    attempt: DoorAttempt,
    proof: Awaited<ReturnType<Proofs['full']>>,
    gateFor: (window: WindowRow | undefined, attempt: DoorAttempt) => Knocking['gate'],
  ) {
    this.#options = options;
    this.#attempt = attempt;
    this.#proof = proof;
    this.#gateFor = gateFor;
    this.#pairingId =
      attempt.pairingId ?? (attempt.flow === 'explicit' ? randomBytes(3).toString('hex') : null);
  }

  /** The credential that this visit brought; null: none was kept. */
  get kept(): string | null {
    return this.#kept ?? null;
  }

  async make(cause: Cause): Promise<DoorAnswer> {
    const { clients, vault, room } = this.#options;
    try {
      const { decision, state, position } = await clients.change(
        this.#attempt.username,
        (now) => this.#prepare(now),
        cause,
      );
      const [event] = decision.accepted ? decision.events : [];
      const asks =
        event?.type === 'RegistrationRequested' || event?.type === 'ReplacementRequested';
      if (asks) {
        room.asked(event.data.requestId, this.#attempt.source);
        this.#proof.remember(event.data.credentialId);
      }
      // The race was lost: nothing names these. Where this fails the sweep finds the orphans; and where
      // the outcome is not known (an error above), the event may be there: then they stay.
      const orphans = [...this.#keyIds].filter((id) => id !== state.personalKeyId);
      if (!asks && this.#kept !== undefined) orphans.push(this.#kept);
      await Promise.allSettled(orphans.map((id) => vault.destroy(id)));
      return this.#answer(
        decision.accepted ? null : (decision.refusal as DoorRefusal),
        event?.type,
        state,
        position ?? this.#options.position(),
      );
    } finally {
      this.#place?.release();
    }
  }

  /** The command for a state: what is slow is done once, and only for who is let in. */
  async #prepare(state: Client): Promise<Knocking> {
    this.matched = await this.#proof.matching(state);
    if (this.matched !== null) this.#proof.remember(this.matched);
    const preview = knock(this.#knocking('free', state), state);
    const [event] = preview.accepted ? preview.events : [];
    if (event === undefined) return this.#decided(this.#knocking('free', state));

    const asks = event.type !== 'RegistrationContested';
    if (asks) {
      const window = this.#options.rows.window.get(registryId);
      if (window && this.#place?.room !== 'free')
        this.#place = this.#options.room.take(window, this.#attempt.source);
      if (this.#place?.room !== 'free')
        return this.#decided(this.#knocking(this.#place?.room ?? 'pending-full', state));
      this.#place.fills(this.#requestId);
    }
    // At once, so that both secrets share a commit.
    await Promise.all([asks ? this.#keep() : undefined, this.#sealUnder(state)]);
    return this.#decided(this.#knocking('free', state));
  }

  async #keep(): Promise<void> {
    this.#kept ??= await this.#options.vault.keep({
      kind: 'verifier',
      username: this.#attempt.username,
      verifier: await this.#proof.verifier(),
    });
  }

  /** A race for a new name may have brought another key: one client, one key. */
  async #sealUnder(state: Client): Promise<void> {
    const current = this.#sealed?.personalKeyId === state.personalKeyId;
    if (!this.#sealed || (state.personalKeyId !== null && !current))
      this.#sealed = await this.#seal(state);
  }

  #decided(command: Knocking): Knocking {
    this.#command = command;
    return command;
  }

  #knocking(room: Knocking['room'], state: Client): Knocking {
    const { username, flow, requestedRoles, requestedPermissions } = this.#attempt;
    const at = this.#options.now();
    const window = this.#options.rows.window.get(registryId);
    return {
      type: 'RequestRegistration',
      username,
      matched: this.matched,
      windowId: window?.windowId ?? null,
      gate: this.#gateFor(window, this.#attempt),
      room,
      // By what is recorded, which the read models may not have yet.
      holdsHttpRights:
        state.status === 'active' &&
        holdsHttpRights(this.#options.authority.effective(username, state.rights)),
      requestId: this.#requestId,
      credentialId: this.#kept ?? randomUUID(),
      flow,
      pairingId: this.#pairingId,
      expiresAt: laterBy(at, this.#options.pendingTtlMs),
      requestedRoles,
      requestedPermissions,
      ...(this.#sealed ?? {
        personalKeyId: randomUUID(),
        source: null,
        clientId: null,
        context: null,
      }),
      at,
      by: { kind: 'client', name: username },
    };
  }

  async #seal(state: Client) {
    const { username, source, clientId, context } = this.#attempt;
    const { keyId, key } = await this.#options.personal.keyFor(username, state.personalKeyId);
    if (keyId !== state.personalKeyId) this.#keyIds.add(keyId);
    const sealed = (field: string, value: unknown) =>
      value === null ? null : sealField(key, keyId, username, field, value);
    return {
      personalKeyId: keyId,
      source: sealed('source', source),
      clientId: sealed('clientId', clientId),
      context: sealed('context', context),
    };
  }

  #answer(
    refusal: DoorRefusal | null,
    recorded: string | undefined,
    state: Client,
    position: string,
  ): DoorAnswer {
    const { username, source, flow, mayAsk } = this.#attempt;
    const row: AccessRow = { ...state, username };
    if (refusal === null) {
      if (recorded === 'RegistrationContested' || recorded === 'ReplacementRequested')
        return {
          kind: 'refused',
          refusal: 'username-taken',
          requestId: null,
          members: null,
          position,
        };
      if (state.status === 'pending')
        return {
          kind: 'pending',
          requestId: state.waiting.requestId,
          username,
          pairingId: this.#pairingIdOf(state.waiting.requestId),
          expiresAt: state.waiting.expiresAt,
          position,
        };
      return granted(row, position);
    }
    const turnedAway =
      refusal === 'registry-locked' || refusal === 'window-full' || refusal === 'pending-full';
    if (turnedAway && mayAsk !== false) {
      const gate = this.#command?.gate;
      const reason = refusal !== 'registry-locked' ? 'full' : gate === 'filtered' ? gate : 'locked';
      this.#options.knocks.count(
        { username, source: source ?? 'unknown', flow, reason },
        this.#options.now(),
      );
      this.#options.onKnock?.(flow);
    }
    return refused(this.#options.rows.history, row, refusal, this.matched, position);
  }

  #pairingIdOf(requestId: string): string | null {
    if (this.#command?.requestId === requestId) return this.#command.pairingId;
    return this.#options.rows.requests.get(requestId)?.pairingId ?? null;
  }
}
