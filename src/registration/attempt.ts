/** One attempt on its way through rows 3 to 8 (SPEC 4): match, decide, reserve and keep what it needs, record, answer. */
import type { DoorRefusal, RequestRegistration } from '../../domain/client/commands.ts';
import { requestRegistration } from '../../domain/client/door.ts';
import { doorName } from '../../domain/client/door-name.ts';
import type { ClientEvent } from '../../domain/client/events.ts';
import { type Client, heldRights, isKeyAlone } from '../../domain/client/state.ts';
import { unmet } from '../../domain/conditions.ts';
import type { Decision } from '../../domain/decider.ts';
import { holdsHttpRights } from '../../domain/matching.ts';
import { registryId } from '../../domain/window.ts';
import type { AccessRow, NamedClient } from '../../projections/access.ts';
import type { HistoryRow } from '../../projections/history.ts';
import type { RequestRow } from '../../projections/requests.ts';
import type { WindowRow } from '../../projections/window.ts';
import type { Authority } from '../authority.ts';
import type { Clients } from '../commands/client-commands.ts';
import type { Basis, Cause } from '../commands/handle.ts';
import type { Proof } from '../credentials/passwords/proofs.ts';
import type { Personal, SealedFields } from '../credentials/personal-data.ts';
import { newSecretId } from '../credentials/secret-id.ts';
import type { Vault } from '../credentials/vault.ts';
import { newOrderedId, randomId } from '../platform/ids.ts';
import { addMs } from '../platform/instant.ts';
import { matchesNetworks } from '../platform/networks.ts';
import { type Soon, soon } from '../platform/soon.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { NewSecret } from '../store/event-store.ts';
import { type DoorAnswer, granted, refused } from './answers.ts';
import type { Capacity, Reservation } from './capacity.ts';
import { type CountedFlow, countedFlow, type DoorAttempt, matching } from './door-attempt.ts';
import type { Knocks } from './knocks.ts';
import type { Preauthorizations, RuleUse } from './preauthorizations.ts';

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
  readonly rules: Preauthorizations;
  readonly now: () => string;
  readonly position: () => string;
  readonly pendingTtlMs: number;
  /** What this node knows of a client; undefined: nothing that can be gone by. */
  readonly atHand: (username: string) => Pick<Basis<Client>, 'state'> | undefined;
  /** Of a request, as long as it is there. */
  readonly pairingIdOf: (requestId: string) => string | null;
  readonly onKnock?: (flow: CountedFlow) => void;
  /** Told of a request that is about to be recorded, perhaps more than once, and perhaps it is not. */
  readonly onRequesting?: (
    request: Pick<RequestRegistration, 'username' | 'requestId' | 'expiresAt'>,
    attempt: DoorAttempt,
  ) => void;
}

/** What an attempt came to, and the credentials that it showed. */
export interface AttemptOutcome {
  readonly answer: DoorAnswer;
  /** Which known credential of the name was offered; null: none of them. */
  readonly matched: string | null;
  /** The credential of the request that this attempt became; null: it became none. */
  readonly keptCredentialId: string | null;
}

type Facts = Pick<
  RequestRegistration,
  'matched' | 'windowId' | 'gate' | 'preauthorized' | 'holdsHttpRights' | 'expiresAt' | 'at'
>;
type PersonalFields = Pick<
  RequestRegistration,
  'personalKeyId' | 'source' | 'clientId' | 'context'
>;
type Ids = Pick<RequestRegistration, 'requestId' | 'credentialId' | 'pairingId'>;

interface Decided {
  readonly secrets?: readonly NewSecret[];
  readonly decision: Decision<ClientEvent, DoorRefusal>;
  readonly command: RequestRegistration;
}

/** The event by which an attempt becomes a request; undefined: it became none. */
function requestIn({ decision }: Pick<Decided, 'decision'>) {
  const [event] = decision.accepted ? decision.events : [];
  return event?.type === 'RegistrationRequested' || event?.type === 'ReplacementRequested'
    ? event
    : undefined;
}

const recordsAnything = ({ decision }: Decided) => decision.accepted && decision.events.length > 0;

/** In place of ids and personal fields, where nothing is recorded. */
const unrecorded: Ids & PersonalFields = {
  ...{ requestId: '', credentialId: '', pairingId: null },
  ...{ personalKeyId: '', source: null, clientId: null, context: null },
};

const fieldsOf = ({ keyId, fields }: SealedFields): PersonalFields => {
  const [source = null, clientId = null, context = null] = fields;
  return { personalKeyId: keyId, source, clientId, context };
};

export class RegistrationAttempt {
  readonly #options: RegistrationAttemptOptions;
  readonly #attempt: DoorAttempt;
  readonly #proof: Proof;
  #known: Ids | undefined;
  /** The use of a rule that was taken for it; undefined: none. */
  #use: RuleUse | undefined;
  #reservation: Reservation | undefined;
  /** By their ids: secrets that were stored with the event that refers to them, or perhaps without it. */
  readonly #secrets = new Map<string, NewSecret>();
  #sealed: SealedFields | undefined;

  constructor(options: RegistrationAttemptOptions, attempt: DoorAttempt, proof: Proof) {
    this.#options = options;
    this.#attempt = attempt;
    this.#proof = proof;
  }

  /** Of the request that it may become; made when something may be recorded, since most attempts are polls. */
  get #ids(): Ids {
    const { pairingId, flow } = this.#attempt;
    this.#known ??= {
      requestId: newOrderedId(),
      credentialId: newSecretId(),
      pairingId: pairingId ?? (flow === 'explicit' ? randomId().slice(0, 6) : null),
    };
    return this.#known;
  }

  /**
   * The answer of a closed gate to who shows no credential that opens it: nothing of it is recorded, and no rule is asked.
   * Undefined: it takes more to tell.
   */
  whileClosed(): Soon<AttemptOutcome | undefined> {
    const { atHand, rows, now, position } = this.#options;
    const state = atHand(this.#attempt.username)?.state;
    if (state === undefined || this.#mayHaveRule()) return undefined;
    if (this.#gate(rows.window.get(registryId), now()) === 'open') return undefined;
    return soon(matching(this.#attempt, this.#proof, state), (matched) => {
      const decided = this.#decidedWith(state, this.#facts(state, matched), unrecorded, 'free');
      const { decision } = decided;
      if (decision.accepted || decision.refusal !== 'registry-locked') return undefined;
      return { answer: this.#answer(decided, state, position()), matched, keptCredentialId: null };
    });
  }

  /** @throws StoreUnavailable, Conflict */
  async run(cause: Cause): Promise<AttemptOutcome> {
    const { clients, capacity, position: here } = this.#options;
    const { username, source } = this.#attempt;
    try {
      const handled = await clients.decide(
        username,
        (state) => this.#decide(state, cause),
        cause,
        // Whoever is let in or waits is told so by the rows that MQTT admission goes by, and a locked gate is
        // one by a row; any other refusal makes a device stop, so it is never given on less than the log itself.
        ({ decision }) => decision.accepted || decision.refusal === 'registry-locked',
      );
      const request = requestIn(handled);
      if (request !== undefined) {
        capacity.requested(request.data.requestId, source);
        if (request.data.admits !== 'key') this.#proof.remember(request.data.credentialId);
      }
      if (this.#secrets.size > 0)
        await this.#destroyUnreferenced(handled.state, request?.data.credentialId ?? null);
      return {
        answer: this.#answer(handled, handled.state, handled.position ?? here()),
        matched: handled.command.matched,
        keptCredentialId: request?.data.credentialId ?? null,
      };
    } finally {
      this.#reservation?.release();
    }
  }

  /** Decides on a state; a place is reserved before, and secrets are stored no later than the event that refers to them. */
  async #decide(state: Client, cause: Cause): Promise<Decided> {
    const match = matching(this.#attempt, this.#proof, state);
    const matched = match instanceof Promise ? await match : match;
    if (matched !== null && !isKeyAlone(state, matched)) this.#proof.remember(matched);
    const known = this.#facts(state, matched);
    const facts = this.#mayHaveRule() ? await this.#withRule(state, known, cause) : known;
    const decideWith = (fields: PersonalFields & Ids, room: RequestRegistration['capacity']) =>
      this.#decidedWith(state, facts, fields, room);
    // Most attempts are polls, of which nothing is recorded: nothing is sealed for them.
    if (state.status !== 'unknown' || facts.gate !== 'open') {
      const unsealed = decideWith(unrecorded, 'free');
      if (!recordsAnything(unsealed)) return unsealed;
    }
    const personal = this.#personalFields(state);
    const fields = {
      ...(personal instanceof Promise ? await personal : personal),
      ...this.#ids,
    };
    const decided = decideWith(fields, 'free');
    if (!recordsAnything(decided)) return decided;
    if (requestIn(decided) !== undefined && facts.preauthorized?.effect !== 'allow') {
      const room = this.#reserve(facts.preauthorized != null);
      if (room !== 'free') return decideWith(fields, room);
      this.#options.onRequesting?.(decided.command, this.#attempt);
    }
    const secrets = this.#secretsOf(decided);
    return { ...decided, secrets: secrets instanceof Promise ? await secrets : secrets };
  }

  #decidedWith(
    state: Client,
    facts: Facts,
    fields: PersonalFields & Ids,
    room: RequestRegistration['capacity'],
  ): Decided {
    const command = this.#command(facts, fields, room);
    return { command, decision: requestRegistration(command, state) };
  }

  #facts(state: Client, matched: string | null): Facts {
    const { authority, rows, now, pendingTtlMs } = this.#options;
    const at = now();
    const window = rows.window.get(registryId);
    const gate = this.#gate(window, at);
    return {
      at,
      matched,
      windowId: window?.windowId ?? null,
      gate,
      // By what is recorded, which the read models may not have yet.
      holdsHttpRights:
        state.status === 'active' &&
        holdsHttpRights(authority.effective(this.#attempt.username, heldRights(state))),
      // What cannot become a request needs no end of its own.
      expiresAt: gate === 'open' ? addMs(at, pendingTtlMs) : at,
    };
  }

  #gate(window: WindowRow | undefined, at: string): RequestRegistration['gate'] {
    if (window?.status !== 'unlocked' || window.until <= at) return 'locked';
    if (this.#attempt.mayAsk === false) return 'filtered';
    return unmet(window.limits, this.#attempt, matchesNetworks) === null ? 'open' : 'filtered';
  }

  #mayHaveRule(): boolean {
    return this.#attempt.mayAsk !== false && !this.#options.rules.none();
  }

  /** What a preauthorization makes of it: it keeps out of an open window, lets in a free name, or lets it ask. */
  async #withRule(state: Client, facts: Facts, cause: Cause): Promise<Facts> {
    const { rules, pendingTtlMs } = this.#options;
    const { key = null } = this.#attempt;
    const gateIsOpen = facts.gate === 'open';
    const interrupted = await this.#interruptedUse(state, facts);
    const rule = interrupted?.rule ?? rules.ruleFor(this.#attempt, gateIsOpen);
    if (rule === undefined) return facts;
    const { effect, csrFingerprint, rights } = rule.terms;
    if (effect === 'deny') return gateIsOpen ? { ...facts, gate: 'filtered' } : facts;
    if (state.status !== 'unknown' || facts.matched !== null) return facts;
    const keyAlone = csrFingerprint !== null;
    const { preauthorizationId } = rule;
    const preauthorized = { preauthorizationId, effect, rights, keyAlone };
    const admitted = { ...facts, preauthorized, expiresAt: addMs(facts.at, pendingTtlMs) };
    // No use is spent on what finds no place.
    if (effect === 'ask' && this.#reserve(true) !== 'free') return admitted;
    if (this.#use !== undefined) return admitted;
    const use = interrupted ?? {
      ...{ rule, requestId: this.#ids.requestId, credentialId: this.#ids.credentialId },
      csrFingerprint: key?.fingerprint ?? null,
    };
    return (await this.#takes(use, interrupted !== undefined, cause)) ? admitted : facts;
  }

  /** A use that a crash kept from becoming a request, of the credential that is offered again. */
  async #interruptedUse(state: Client, { matched }: Facts): Promise<RuleUse | undefined> {
    const { username, password, key } = this.#attempt;
    if (state.status !== 'unknown' || matched !== null) return undefined;
    if (this.#use !== undefined) return this.#use;
    const use = this.#options.rules.lastUse(username);
    if (use === undefined || state.decided[use.requestId] !== undefined) return undefined;
    const isSameKey = use.csrFingerprint === (key?.fingerprint ?? null);
    const byKey = password === null || use.rule.terms.csrFingerprint !== null;
    return isSameKey && (byKey ? key != null : await this.#proof.proves(use.credentialId))
      ? use
      : undefined;
  }

  /** Whether a use is this attempt's: one that was taken before, or that is left. */
  async #takes(use: RuleUse, wasTaken: boolean, cause: Cause): Promise<boolean> {
    const { rules } = this.#options;
    if (wasTaken) {
      const { requestId, credentialId } = use;
      this.#known = { ...this.#ids, requestId, credentialId };
    } else {
      const secrets = use.rule.terms.csrFingerprint === null ? await this.#verifierSecret() : [];
      if (!(await rules.take(use, this.#attempt.username, secrets, cause))) {
        this.#secrets.delete(this.#ids.credentialId);
        return false;
      }
    }
    this.#use = use;
    return true;
  }

  #command(
    facts: Facts,
    fields: PersonalFields & Ids,
    room: RequestRegistration['capacity'],
  ): RequestRegistration {
    const { username, flow, door, requestedRoles, requestedPermissions } = this.#attempt;
    return {
      type: 'RequestRegistration',
      username,
      ...facts,
      capacity: room,
      flow,
      ...(door === undefined ? {} : { door }),
      csr: this.#attempt.key ?? null,
      requestedRoles,
      requestedPermissions,
      ...fields,
      by: { kind: 'client', name: username },
    };
  }

  /** A race for a new name may have brought another key: one client, one key. */
  #personalFields(state: Client): Soon<PersonalFields> {
    const { username, source, clientId, context } = this.#attempt;
    const known = this.#sealed;
    // Where the client has no key, only a new one will do: the one that it had went with its erasure.
    const isItsKey = (sealed: SealedFields) =>
      state.personalKeyId === null ? sealed.newText !== null : state.personalKeyId === sealed.keyId;
    if (known && isItsKey(known)) return fieldsOf(known);
    const values = [source, clientId, context];
    return soon(this.#options.personal.sealed(username, state.personalKeyId, values), (sealed) => {
      this.#sealed = sealed;
      return fieldsOf(sealed);
    });
  }

  /** A place for the request, taken once however often it is decided anew. */
  #reserve(isByRule: boolean): RequestRegistration['capacity'] {
    const window = this.#options.rows.window.get(registryId);
    if (this.#reservation?.outcome !== 'free')
      this.#reservation = this.#options.capacity.reserve(
        // A rule takes no place in a window.
        isByRule ? null : (window ?? null),
        this.#attempt.source,
      );
    this.#reservation?.bindTo(this.#ids.requestId);
    return this.#reservation?.outcome ?? 'pending-full';
  }

  /** What the events name and is not in the vault yet, the same however often it is decided anew. */
  #secretsOf(decided: Decided): Soon<NewSecret[]> {
    // Where a rule let it in, its verifier was kept with the use.
    const keepsVerifier = requestIn(decided) !== undefined && this.#use === undefined;
    return soon(keepsVerifier ? this.#verifierSecret() : [], (secrets) => {
      const { username } = this.#attempt;
      const { personal } = this.#options;
      const key = this.#sealed;
      if (key === undefined || key.newText === null) return secrets;
      return [...secrets, this.#secret(key.keyId, () => personal.written(username, key))];
    });
  }

  /** None where it asks with its key alone. */
  #verifierSecret(): Soon<NewSecret[]> {
    const { username, password } = this.#attempt;
    if (password === null) return [];
    return soon(this.#proof.verifier(), (verifier) => {
      const written = (id: string) =>
        this.#options.vault.written({ kind: 'verifier', username, verifier }, id);
      return [this.#secret(this.#ids.credentialId, written)];
    });
  }

  #secret(id: string, written: (id: string) => NewSecret): NewSecret {
    const secret = this.#secrets.get(id) ?? written(id);
    this.#secrets.set(id, secret);
    return secret;
  }

  /**
   * The race was lost: no event refers to these. Where this fails the sweep finds the orphans; and where the
   * outcome is not known (recording threw), the event may be there: then they stay.
   */
  async #destroyUnreferenced(state: Client, credentialId: string | null): Promise<void> {
    const unreferenced = [...this.#secrets.keys()].filter(
      (id) => id !== state.personalKeyId && id !== credentialId,
    );
    if (unreferenced.length > 0)
      await Promise.allSettled(unreferenced.map((id) => this.#options.vault.destroy(id)));
  }

  #answer(decided: Decided, state: Client, position: string): DoorAnswer {
    const { decision, command } = decided;
    const { username } = this.#attempt;
    const row: NamedClient = { ...state, username };
    if (!decision.accepted) {
      this.#countKnock(decision.refusal, command.gate);
      const { rows } = this.#options;
      return refused(rows.history, row, decision.refusal, command.matched, position);
    }
    const [recorded] = decision.events;
    if (recorded?.type === 'RegistrationContested' || recorded?.type === 'ReplacementRequested')
      return {
        ...{ kind: 'refused', refusal: 'username-taken', position },
        ...{ requestId: null, members: null },
        ...(recorded.type === 'ReplacementRequested' && { becameChallenger: true }),
      };
    if (state.status !== 'pending') return granted(row, position);
    const { requestId, expiresAt } = state.waiting;
    const pairingId =
      requestId === this.#known?.requestId
        ? this.#known.pairingId
        : this.#options.pairingIdOf(requestId);
    return { kind: 'pending', requestId, username, pairingId, expiresAt, position };
  }

  /** Who was turned away shows as a knock, but for what could never have become a request. */
  #countKnock(refusal: DoorRefusal, gate: RequestRegistration['gate']): void {
    const isFull = refusal === 'window-full' || refusal === 'pending-full';
    if (!isFull && refusal !== 'registry-locked') return;
    const { username, source, flow, mayAsk } = this.#attempt;
    if (mayAsk === false) return;
    const reason = isFull ? 'full' : gate === 'filtered' ? 'filtered' : 'locked';
    const door = doorName(this.#attempt);
    const knock = { username, source: source ?? 'unknown', flow, door, reason } as const;
    this.#options.knocks.count(knock, this.#options.now());
    this.#options.onKnock?.(countedFlow(this.#attempt));
  }
}
