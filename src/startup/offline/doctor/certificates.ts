/** When the certificates of the installation end. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../../config/config.ts';
import { certificateEndsSoonDays } from '../../../limits/operating.ts';
import { type Finding, fault, good, warning } from './finding.ts';

const dayMs = 24 * 3_600_000;

/** Of PEM text: the first of a chain is the one that is shown. */
function endOf(what: string, pem: string, now: string, remedy: string): Finding {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    return fault('certificates', `${what} cannot be read`, remedy);
  }
  const { validFromDate, validToDate } = certificate;
  const days = Math.floor((validToDate.getTime() - Date.parse(now)) / dayMs);
  const said = `${what} ends on ${validToDate.toISOString().slice(0, 10)}`;
  if (validFromDate.getTime() > Date.parse(now))
    return fault('certificates', `${what} is not valid yet`, 'Set the clock (NTP), or wait');
  if (days < 0) return fault('certificates', `${what} has ended`, remedy);
  if (days < certificateEndsSoonDays)
    return warning('certificates', `${said}, in ${days} days`, remedy);
  return good('certificates', said);
}

export function certificateFindings({ tls, keysDir }: Config, now: string): Finding[] {
  const own = join(keysDir, 'ca.pem');
  return [
    ...(tls.given === null
      ? []
      : [
          endOf(
            'the certificate of the TLS ports (GATEBOOK_TLS_CERT)',
            tls.given.cert,
            now,
            'Put a new pair into its files: it counts for the next connection, without a restart',
          ),
        ]),
    ...(tls.ca === null
      ? []
      : [
          endOf(
            'the CA (GATEBOOK_CA_CERT)',
            tls.ca.cert,
            now,
            'Change the CA, with both trusted for a while: docs/certificates.md',
          ),
        ]),
    ...(tls.ca !== null || !existsSync(own)
      ? []
      : [
          endOf(
            'the CA of the registry (keys/ca.pem)',
            readFileSync(own, 'utf8'),
            now,
            'Change the CA, with both trusted for a while: docs/certificates.md',
          ),
        ]),
  ];
}
