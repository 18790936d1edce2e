/** One attempt on its way through rows 3 to 8 (SPEC 4): what it prepared is undone unless it was recorded. */

import { randomBytes, randomUUID } from 'node:crypto';
import type { DoorRefusal, RequestRegistration } from '../../domain/client/commands.ts';
import { requestRegistration } from '../../domain/client/door.ts';
import type { Client } from '../../domain/client/state.ts';
import { unmet } from '../../domain/conditions.ts';
import { holdsHttpRights } from '../../domain/matching.ts';
import type { Permission } from '../../domain/permission.ts';
import { registryId } from '../../domain/window.ts';
import type { AccessRow } from '../../projections/access.ts';
import type { HistoryRow } from '../../projections/history.ts';
import type { RequestRow } from '../../projections/requests.ts';
import type { WindowRow } from '../../projections/window.ts';
import type { Authority } from '../authority.ts';
import type { Clients } from '../commands/client-commands.ts';
import type { Cause } from '../commands/handle.ts';
import type { Proof } from '../credentials/passwords/proofs.ts';
import { type Personal, sealField } from '../credentials/personal-data.ts';
import type { Vault } from '../credentials/vault.ts';
import { addMs } from '../platform/instant.ts';
import { matchesNetworks } from '../platform/networks.ts';
import type { Rows } from '../read-models/row-table.ts';
import { type DoorAnswer, granted, refused } from './answers.ts';
import type { Capacity, Reservation } from './capacity.ts';
import type { Knocks } from './knocks.ts';

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

export interface RegistrationAttemptOptions {
  readonly clients: Clients;
  readonly authority: Authority;
  readonly personal: Personal;
  readonly vault: Vault;
  readonly rows: {
    readonly window: Rows<WindowRow>;
    readonly requests: Rows<RequestRow>;
    readonly access: Rows<AccessRow>;
    readonly history: Rows<HistoryRow>;
  };
  readonly knocks: Knocks;
  readonly capacity: Capacity;
  readonly now: () => string;
  readonly position: () => string;
  readonly pendingTtlMs: number;
  readonly onKnock?: (flow: DoorAttempt['flow']) => void;
}

export class RegistrationAttempt {
  matched: string | null = null;
  readonly #options: RegistrationAttemptOptions;
  readonly #attempt: DoorAttempt;
  readonly #proof: Proof;
  readonly #pairingId: string | null;
  readonly #requestId = randomUUID();
  /** Personal keys that were made for this visit. */
  readonly #keyIds = new Set<string>();
  #reservation: Reservation | undefined;
  #kept: string | undefined;
  #sealed:
    | Pick<RequestRegistration, 'personalKeyId' | 'source' | 'clientId' | 'context'>
    | undefined;
  #command: RequestRegistration | undefined;

  constructor(options: RegistrationAttemptOptions, attempt: DoorAttempt, proof: Proof) {
    this.#options = options;
    this.#attempt = attempt;
    this.#proof = proof;
    this.#pairingId =
      attempt.pairingId ?? (attempt.flow === 'explicit' ? randomBytes(3).toString('hex') : null);
  }

  /** The credential that this visit brought; null: none was kept. */
  get keptCredentialId(): string | null {
    return this.#kept ?? null;
  }

  async run(cause: Cause): Promise<DoorAnswer> {
    const { clients, vault, capacity } = this.#options;
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
        capacity.asked(event.data.requestId, this.#attempt.source);
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
      this.#reservation?.release();
    }
  }

  /** The command for a state: what is slow is done once, and only for who is let in. */
  async #prepare(state: Client): Promise<RequestRegistration> {
    this.matched = await this.#proof.matching(state);
    if (this.matched !== null) this.#proof.remember(this.matched);
    const preview = requestRegistration(this.#knocking('free', state), state);
    const [event] = preview.accepted ? preview.events : [];
    if (event === undefined) return this.#decided(this.#knocking('free', state));

    const asks = event.type !== 'RegistrationContested';
    if (asks) {
      const window = this.#options.rows.window.get(registryId);
      if (window && this.#reservation?.room !== 'free')
        this.#reservation = this.#options.capacity.reserve(window, this.#attempt.source);
      if (this.#reservation?.room !== 'free')
        return this.#decided(this.#knocking(this.#reservation?.room ?? 'pending-full', state));
      this.#reservation.bindTo(this.#requestId);
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

  #decided(command: RequestRegistration): RequestRegistration {
    this.#command = command;
    return command;
  }

  #knocking(room: RequestRegistration['room'], state: Client): RequestRegistration {
    const { username, flow, requestedRoles, requestedPermissions } = this.#attempt;
    const at = this.#options.now();
    const window = this.#options.rows.window.get(registryId);
    return {
      type: 'RequestRegistration',
      username,
      matched: this.matched,
      windowId: window?.windowId ?? null,
      gate: this.#gate(window, at),
      room,
      // By what is recorded, which the read models may not have yet.
      holdsHttpRights:
        state.status === 'active' &&
        holdsHttpRights(this.#options.authority.effective(username, state.rights)),
      requestId: this.#requestId,
      credentialId: this.#kept ?? randomUUID(),
      flow,
      pairingId: this.#pairingId,
      expiresAt: addMs(at, this.#options.pendingTtlMs),
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

  #gate(window: WindowRow | undefined, at: string): RequestRegistration['gate'] {
    if (window?.status !== 'unlocked' || window.until <= at) return 'locked';
    if (this.#attempt.mayAsk === false) return 'filtered';
    return unmet(window.limits, this.#attempt, matchesNetworks) === null ? 'open' : 'filtered';
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
