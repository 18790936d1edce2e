/** The list of revoked certificates as this node would show it now: in memory, signed when it changed or soon ends. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CertificatesRow } from '../../projections/certificates.ts';
import { signedCrl } from '../credentials/certificates/crl.ts';
import type { Issuer } from '../credentials/certificates/x509.ts';
import { crlDays, crlRenewedDaysBefore, crlSignedAtMostEveryMs } from '../limits.ts';
import type { Rows } from '../read-models/row-table.ts';

interface RevocationListOptions {
  readonly rows: { readonly certificates: Rows<CertificatesRow> };
  readonly ca: Issuer;
  readonly now: () => string;
  readonly position: () => string;
  readonly onApplied: (listener: (events: readonly { readonly type: string }[]) => void) => void;
}

export interface RevocationList {
  /** DER; with every change that this node has read. */
  current(): Promise<Buffer>;
  /** Told each time that there may be another one. */
  onChange(listener: () => void): void;
}

const dayMs = 24 * 3_600_000;
const rowsAtOnce = 1_000;

/** Events that may change what is listed. */
const changes = new Set([
  ...['ReplacementGranted', 'CredentialRotated', 'AdministratorReset', 'ClientErased'],
  ...['CertificateIssued', 'CertificateTaken'],
  ...['AccessSuspended', 'AccessResumed', 'AccessRevoked', 'AccessExpired'],
]);

function* listedIn({ certificates }: RevocationListOptions['rows'], now: string) {
  const where = [{ column: 'isListed', is: 1 }];
  for (let cursor: string | undefined | null; cursor !== null; ) {
    const page = certificates.find({
      ...{ where, order: 'oldest', limit: rowsAtOnce },
      ...(cursor !== undefined && { cursor }),
    });
    for (const { certificates: all, heldAt } of page.items)
      for (const { serial, notAfter, revokedAt } of all) {
        const since = revokedAt ?? heldAt;
        if (since !== null && notAfter > now) yield { serial, since, isHeld: revokedAt === null };
      }
    cursor = page.nextCursor;
  }
}

export function createRevocationList(options: RevocationListOptions): RevocationList {
  let signed: { readonly der: Buffer; readonly atMs: number } | null = null;
  let isChanged = true;
  let signing: Promise<Buffer> | null = null;
  const listeners: (() => void)[] = [];
  options.onApplied((events) => {
    if (!events.some(({ type }) => changes.has(type))) return;
    isChanged = true;
    for (const listener of listeners) listener();
  });

  function sign(): Buffer {
    isChanged = false;
    const at = options.now();
    const atMs = Date.parse(at);
    const der = signedCrl(options.ca, {
      number: Number(options.position()),
      thisUpdate: new Date(atMs),
      nextUpdate: new Date(atMs + crlDays * dayMs),
      certificates: [...listedIn(options.rows, at)],
    });
    signed = { der, atMs };
    return der;
  }

  /** Whoever asks too soon after the last one was signed waits for the next. */
  async function signInTurn(sinceMs: number): Promise<Buffer> {
    await delay(Math.max(0, crlSignedAtMostEveryMs - sinceMs));
    signing = null;
    return sign();
  }

  return {
    onChange: (listener) => listeners.push(listener),
    async current() {
      if (signed === null) return sign();
      const sinceMs = Math.max(0, Date.parse(options.now()) - signed.atMs);
      const isOld = sinceMs > (crlDays - crlRenewedDaysBefore) * dayMs;
      if (!isChanged && !isOld) return signed.der;
      signing ??= signInTurn(sinceMs);
      return await signing;
    },
  };
}
