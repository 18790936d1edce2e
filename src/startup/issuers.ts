/** Whether every certificate that clients hold is of a CA that this node trusts: found out before it serves anybody. */
import { type CertificatesRow, labelledIssuer } from '../../projections/certificates.ts';
import { ConfigError } from '../config/fault.ts';
import type { CertificateAuthority } from '../credentials/certificates/authority.ts';
import type { Logger } from '../logger.ts';
import type { Rows } from '../read-models/row-table.ts';

interface IssuersOptions {
  readonly rows: { readonly certificates: Rows<CertificatesRow> };
  readonly ca: Pick<CertificateAuthority, 'keyId' | 'others'>;
  readonly now: () => string;
  readonly logger: Logger;
}

const rowsAtOnce = 1_000;

/** Somebody with a certificate of an issuer that has not ended. */
function holderOf({ certificates }: IssuersOptions['rows'], issuer: string, at: string) {
  for (const column of ['currentIssuer', 'nextIssuer'])
    for (let cursor: string | undefined | null; cursor !== null; ) {
      const page = certificates.find({
        ...{ where: [{ column, is: issuer }], limit: rowsAtOnce },
        ...(cursor !== undefined && { cursor }),
      });
      const one = page.items.find(({ current, next, certificates: all }) =>
        all.some(
          (each) =>
            each.issuer === issuer &&
            each.notAfter > at &&
            (each.serial === current || each.serial === next),
        ),
      );
      if (one !== undefined) return one.username;
      cursor = page.nextCursor;
    }
  return undefined;
}

/** @param isOverlapNone certificates of other CAs are given up on purpose. @throws ConfigError */
export function checkIssuers(
  { rows, ca, now, logger }: IssuersOptions,
  isOverlapNone: boolean,
): void {
  const trusted = new Set([ca, ...ca.others].map(({ keyId }) => keyId));
  for (const [label, count] of rows.certificates.counts) {
    const issuer = labelledIssuer(label);
    if (issuer === null || issuer === ca.keyId || count === 0) continue;
    const holder = holderOf(rows, issuer, now());
    if (holder === undefined) continue;
    if (trusted.has(issuer))
      logger.info('Certificates of another CA are held, and trusted until they end', {
        issuer,
        clients: count,
      });
    else if (isOverlapNone)
      logger.warn('Certificates of another CA are held, and open nothing: their holders ask anew', {
        issuer,
        clients: count,
      });
    else
      throw new ConfigError([
        {
          variable: 'GATEBOOK_CA_OVERLAP',
          problem: `lacks the CA with the key identifier ${issuer}, which certificates are held of by ${count === 1 ? holder : `${count} clients, such as ${holder}`}`,
          remedy:
            'Give its chain, and its key for its list of revoked ones, or restore the key folder; or set it to none: then their holders ask anew, with new keys',
        },
      ]);
  }
}
