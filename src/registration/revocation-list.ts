/** The list of revoked certificates: a fold of the log, so that it is the same on every node, and signed in memory. */
import { setTimeout as delay } from 'node:timers/promises';
import { revocations, revocationsId } from '../../domain/revocations.ts';
import { system } from '../../domain/values.ts';
import type { CertificatesRow } from '../../projections/certificates.ts';
import type { HistoryRow } from '../../projections/history.ts';
import type { ListedUpTo } from '../../projections/revocations.ts';
import { handle, newCause } from '../commands/handle.ts';
import type { CertificateAuthority } from '../credentials/certificates/authority.ts';
import { signedCrl } from '../credentials/certificates/crl.ts';
import type { Issuer } from '../credentials/certificates/x509.ts';
import {
  crlAheadMsMax,
  crlDays,
  crlRenewalWaitMs,
  crlRenewedDaysBefore,
  crlSignedAtMostEveryMs,
} from '../limits/credentials.ts';
import type { Rows } from '../read-models/row-table.ts';
import { beginning, type EventStore, StoreUnavailable } from '../store/event-store.ts';

interface RevocationListOptions {
  readonly rows: {
    readonly certificates: Rows<CertificatesRow>;
    readonly revocationRenewals: Rows<ListedUpTo>;
    readonly history: Rows<HistoryRow>;
  };
  readonly store: EventStore;
  readonly ca: CertificateAuthority;
  readonly now: () => string;
  readonly reached: (position: string, timeoutMs: number) => Promise<boolean>;
  readonly onApplied: (listener: (events: readonly { readonly type: string }[]) => void) => void;
}

export interface RevocationList {
  /**
   * DER; with every change that this node has read. Where it nears its end, another one is recorded first.
   * @throws StoreUnavailable when that cannot be, and the one before has ended
   */
  current(): Promise<Buffer>;
  /** The same of one issuer by the identifier of its key; undefined: its key is not here. */
  of(keyId: string): Promise<Buffer | undefined>;
  /** Those of every issuer whose key is here, the current one's first. */
  all(): Promise<readonly Buffer[]>;
  /** Told each time that the list has become another one: `current` gives it. */
  onChange(listener: () => void): void;
  /** Whether anybody has use for one: a certificate was issued once, or this process was asked for the list. */
  isUsed(): boolean;
}

const dayMs = 24 * 3_600_000;
const rowsAtOnce = 1_000;

/** Events that may change what is listed, or renew the list. */
const changes = new Set([
  ...['ReplacementGranted', 'CredentialRotated', 'AdministratorReset', 'ClientErased'],
  ...['CertificateIssued', 'CertificateTaken', 'RevocationListRenewed'],
  ...['AccessSuspended', 'AccessResumed', 'AccessRevoked', 'AccessExpired'],
]);

/** What is listed at a moment, with its issuer. */
function* listedIn({ certificates }: RevocationListOptions['rows'], at: string) {
  const where = [{ column: 'isListed', is: 1 }];
  for (let cursor: string | undefined | null; cursor !== null; ) {
    const page = certificates.find({
      ...{ where, order: 'oldest', limit: rowsAtOnce },
      ...(cursor !== undefined && { cursor }),
    });
    for (const { certificates: all, heldAt } of page.items)
      for (const { serial, issuer, notAfter, revokedAt } of all) {
        const since = revokedAt ?? heldAt;
        if (since !== null && notAfter > at)
          yield { serial, issuer, since, isHeld: revokedAt === null };
      }
    cursor = page.nextCursor;
  }
}

/** The event that the newest list is of: the newest that changed or renewed it, else the first of the log. */
function newestIn(rows: RevocationListOptions['rows'], now: string): ListedUpTo {
  const { certificates, revocationRenewals, history } = rows;
  const changedAt = certificates.greatest('changedAt');
  const [row] =
    changedAt === null
      ? []
      : certificates.find({ where: [{ column: 'changedAt', is: changedAt }], limit: 1 }).items;
  const [first] = history.find({ order: 'oldest', limit: 1 }).items;
  const found = [row?.changed, revocationRenewals.get(revocationsId)].filter(
    (one) => one !== undefined,
  );
  if (found.length === 0) return first ?? { position: beginning, at: now };
  return found.reduce((one, other) => (one.position > other.position ? one : other));
}

/** Records that a list is renewed; resolves when the rows have that. */
function renewalBy({ store, now, reached }: RevocationListOptions) {
  return async (renews: string): Promise<void> => {
    const command = { type: 'RenewRevocationList', renews, at: now(), by: system } as const;
    const done = await handle(store, revocations, revocationsId, command, newCause());
    const position = done.position ?? done.decidedOn ?? beginning;
    if (!(await reached(position, crlRenewalWaitMs)))
      throw new StoreUnavailable('the renewed list of revoked certificates cannot be read yet');
  };
}

/** Whether a list is too old, or of a clock that is ahead; whether it is over. */
function ageOf({ at }: ListedUpTo, now: string) {
  const sinceMs = Date.parse(now) - Date.parse(at);
  return {
    isDue: sinceMs > (crlDays - crlRenewedDaysBefore) * dayMs || sinceMs < -crlAheadMsMax,
    isOver: sinceMs >= crlDays * dayMs,
  };
}

/** DER by issuer, of one event. */
interface SignedLists {
  readonly byIssuer: ReadonlyMap<string, Buffer>;
  readonly atMs: number;
  readonly upTo: ListedUpTo;
}

/** Signs the list of each issuer whose key is here; who is named by no issuer is the current one's. */
function signedLists({ rows, ca, now }: RevocationListOptions, upTo: ListedUpTo): SignedLists {
  const listed = Map.groupBy(listedIn(rows, upTo.at), ({ issuer }) => issuer ?? ca.keyId);
  const thisUpdate = new Date(upTo.at);
  const of = (issuer: Issuer, keyId: string) =>
    signedCrl(issuer, {
      number: BigInt(upTo.position),
      thisUpdate,
      nextUpdate: new Date(thisUpdate.getTime() + crlDays * dayMs),
      certificates: listed.get(keyId) ?? [],
    });
  const byIssuer = [ca, ...ca.others].flatMap(({ certificate, key, keyId }) =>
    key === null ? [] : [[keyId, of({ certificate, key }, keyId)] as const],
  );
  return { byIssuer: new Map(byIssuer), atMs: Date.parse(now()), upTo };
}

/** The lists as the rows have them now: signed when they changed, once a second at most. */
function signing(options: RevocationListOptions) {
  const { rows, now } = options;
  let signed: SignedLists | null = null;
  let isChanged = true;
  let waiting: Promise<SignedLists> | null = null;

  function sign(): SignedLists {
    isChanged = false;
    const upTo = newestIn(rows, now());
    if (signed === null || signed.upTo.position !== upTo.position)
      signed = signedLists(options, upTo);
    return signed;
  }

  /** Whoever asks too soon after the last one was signed waits for the next. */
  async function signInTurn(sinceMs: number): Promise<SignedLists> {
    await delay(Math.max(0, crlSignedAtMostEveryMs - sinceMs));
    waiting = null;
    return sign();
  }

  return {
    changed: () => {
      isChanged = true;
    },
    async now(): Promise<SignedLists> {
      if (signed === null) return sign();
      if (!isChanged) return signed;
      waiting ??= signInTurn(Math.max(0, Date.parse(now()) - signed.atMs));
      return await waiting;
    },
  };
}

export function createRevocationList(options: RevocationListOptions): RevocationList {
  const { rows, ca, now } = options;
  const renew = renewalBy(options);
  const lists = signing(options);
  let isAsked = false;
  let renewing: Promise<void> | null = null;
  const listeners: (() => void)[] = [];
  options.onApplied((events) => {
    if (!events.some(({ type }) => changes.has(type))) return;
    lists.changed();
    for (const listener of listeners) listener();
  });

  async function inForce(): Promise<ReadonlyMap<string, Buffer>> {
    isAsked = true;
    const { byIssuer, upTo } = await lists.now();
    const { isDue, isOver } = ageOf(upTo, now());
    if (!isDue) return byIssuer;
    renewing ??= renew(upTo.position).finally(() => {
      renewing = null;
    });
    try {
      await renewing;
    } catch (error) {
      if (isOver) throw error;
      return byIssuer;
    }
    return (await lists.now()).byIssuer;
  }

  return {
    isUsed: () => isAsked || rows.certificates.greatest('changedAt') !== null,
    onChange: (listener) => listeners.push(listener),
    current: async () => (await inForce()).get(ca.keyId) as Buffer,
    of: async (keyId) => (await inForce()).get(keyId),
    all: async () => [...(await inForce()).values()],
  };
}
