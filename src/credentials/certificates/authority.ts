/** The registry's CA: made at the first start in the key folder, or given; it signs for nothing but this registry. */
import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { join } from 'node:path';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  BasicConstraints,
  Certificate,
  id_ce_basicConstraints,
  id_ce_keyUsage,
  KeyUsage,
  KeyUsageFlags,
} from '@peculiar/asn1-x509';
import { chainCertificatesMax } from '../../limits.ts';
import { KeyFileRefused, makeKeyFile, readKeyFile } from '../keys/files.ts';
import { type Issuer, rootCertificate, serialFrom } from './x509.ts';

/** PEM: the issuer's certificate first, then its chain with the root; and the issuer's private key. */
interface GivenAuthority {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateAuthority extends Issuer {
  /** The issuer's certificate first, the root last. */
  readonly chain: readonly X509Certificate[];
  readonly root: X509Certificate;
  /** The chain as PEM. */
  readonly chainPem: string;
  /** What a device is told of it: SHA-256 of the root's DER, 64 hex digits. */
  readonly fingerprint: string;
}

/** What keeps a CA from being this registry's, in words; nothing of the key. */
export class AuthorityRefused extends Error {
  override name = 'AuthorityRefused';
}

const yearMs = 365.25 * 24 * 3_600_000;
const rootYears = 10;
/** Clocks of devices that are behind. */
export const backdatedMs = 3_600_000;

const fileName = 'ca.pem';

/** @throws KeyFileRefused, AuthorityRefused */
export async function openAuthority(options: {
  readonly keysDir: string;
  readonly given: GivenAuthority | null;
  readonly now: () => string;
}): Promise<CertificateAuthority> {
  const { keysDir, given, now } = options;
  const today = new Date(now());
  if (given !== null) return authorityFrom(given, today);
  const path = join(keysDir, fileName);
  let text = await readKeyFile(path);
  if (text === undefined) {
    await makeKeyFile(path, madeAuthority(today));
    text = await readKeyFile(path);
  }
  try {
    return authorityFrom({ cert: text ?? '', key: text ?? '' }, today);
  } catch (error) {
    const why = error instanceof AuthorityRefused ? error.message : 'it cannot be read';
    throw new KeyFileRefused(
      path,
      `is no CA of Gatebook (${why}): restore it from a backup; with another CA every device has to be told a new fingerprint`,
    );
  }
}

/** Key and certificate in one text, so that nobody ever sees one without the other. */
function madeAuthority(now: Date): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const notAfter = new Date(now.getTime() + rootYears * yearMs);
  const certificate = rootCertificate(`Gatebook CA ${randomBytes(4).toString('hex')}`, privateKey, {
    serial: serialFrom(randomBytes(16)),
    notBefore: new Date(now.getTime() - backdatedMs),
    notAfter,
  });
  return `${privateKey.export({ type: 'pkcs8', format: 'pem' })}${certificate.toString()}`;
}

function authorityFrom(given: GivenAuthority, now: Date): CertificateAuthority {
  const chain = chainIn(given.cert);
  const [certificate] = chain;
  const root = chain.at(-1);
  if (certificate === undefined || root === undefined)
    throw new AuthorityRefused('there is no certificate in it');
  const key = keyIn(given.key);
  checkIssuer(certificate, key, now);
  checkChain(chain);
  return Object.defineProperty(
    {
      ...{ certificate, key, chain, root },
      chainPem: chain.map((one) => one.toString()).join(''),
      fingerprint: root.fingerprint256.replaceAll(':', '').toLowerCase(),
    },
    'key',
    { enumerable: false },
  );
}

function chainIn(text: string): X509Certificate[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (found.length > chainCertificatesMax)
    throw new AuthorityRefused(`it has more than ${chainCertificatesMax} certificates`);
  try {
    return found.map((pem) => new X509Certificate(pem));
  } catch {
    throw new AuthorityRefused('a certificate in it cannot be read');
  }
}

function keyIn(text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    throw new AuthorityRefused('the private key cannot be read (it must have no passphrase)');
  }
}

/** As SPEC 11 wants it: no CA that others have, too, can sign for this registry by accident. */
function checkIssuer(certificate: X509Certificate, key: KeyObject, now: Date): void {
  if (!certificate.checkPrivateKey(key))
    throw new AuthorityRefused('the private key is not that of the first certificate');
  const { extensions = [] } = AsnConvert.parse(certificate.raw, Certificate).tbsCertificate;
  const valueIn = (id: string) => extensions.find(({ extnID }) => extnID === id)?.extnValue.buffer;
  const constraints = valueIn(id_ce_basicConstraints);
  const { cA = false, pathLenConstraint } =
    constraints === undefined ? {} : AsnConvert.parse(constraints, BasicConstraints);
  if (!cA) throw new AuthorityRefused('the first certificate is no CA');
  if (pathLenConstraint !== 0)
    throw new AuthorityRefused('the first certificate has no path length of 0 (pathlen:0)');
  const usage = valueIn(id_ce_keyUsage);
  const flags = usage === undefined ? 0 : AsnConvert.parse(usage, KeyUsage).toNumber();
  const needed = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
  if ((flags & needed) !== needed)
    throw new AuthorityRefused(
      'the first certificate does not sign certificates and CRLs (keyUsage keyCertSign, cRLSign)',
    );
  if (certificate.validToDate <= now)
    throw new AuthorityRefused(`the first certificate ended at ${certificate.validTo}`);
}

function checkChain(chain: readonly X509Certificate[]): void {
  for (const [at, one] of chain.entries()) {
    const issuer = chain[at + 1] ?? one;
    if (!one.checkIssued(issuer) || !one.verify(issuer.publicKey))
      throw new AuthorityRefused(
        issuer === one
          ? 'the last certificate is no root: give the whole chain, the root last'
          : `certificate ${at + 1} was not signed by the next: give the issuer first, the root last`,
      );
  }
}
