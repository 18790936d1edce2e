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
import { chainCertificatesMax } from '../../limits/credentials.ts';
import { KeyFileRefused, makeKeyFile, readKeyFile } from '../keys/files.ts';
import { type Issuer, keyIdOf, rootCertificate, serialFrom } from './x509.ts';

/** PEM: the issuer's certificate first, then its chain with the root; and the issuer's private key. */
interface GivenAuthority {
  readonly cert: string;
  readonly key: string;
}

/** A CA that is trusted: the registry's own, or one of before or after a change. */
export interface TrustedAuthority {
  readonly certificate: X509Certificate;
  /** The issuer's certificate first, the root last. */
  readonly chain: readonly X509Certificate[];
  readonly root: X509Certificate;
  /** The chain as PEM. */
  readonly chainPem: string;
  /** What a device is told of it: SHA-256 of the root's DER, 64 hex digits. */
  readonly fingerprint: string;
  /** What certificates and lists of this issuer name it by: the identifier of its key, 40 hex digits. */
  readonly keyId: string;
  /** Null: it is elsewhere, and nothing can be signed with it here. */
  readonly key: KeyObject | null;
}

export interface CertificateAuthority extends TrustedAuthority, Issuer {
  readonly key: KeyObject;
  /** The CAs before and after it, whose certificates are good as well. */
  readonly others: readonly TrustedAuthority[];
  /** Everything that is trusted, as PEM: its own chain, then those of the others. */
  readonly trustPem: string;
}

/** What keeps a CA from being this registry's, in words; nothing of the key. */
export class AuthorityRefused extends Error {
  override name = 'AuthorityRefused';
}

/** The same of a CA that is to be trusted beside it. */
export class OverlapRefused extends Error {
  override name = 'OverlapRefused';
}

const yearMs = 365.25 * 24 * 3_600_000;
const rootYears = 10;
/** Clocks of devices that are behind. */
export const backdatedMs = 3_600_000;

const fileName = 'ca.pem';

interface OpenAuthority {
  readonly keysDir: string;
  readonly given: GivenAuthority | null;
  /** PEM of other CAs, each with its chain, its key where that is known; null, absent: those that are found. */
  readonly overlap?: string | 'none' | null;
  readonly now: () => string;
}

/** @throws KeyFileRefused, AuthorityRefused, OverlapRefused */
export async function openAuthority(options: OpenAuthority): Promise<CertificateAuthority> {
  const today = new Date(options.now());
  const own = await ownOrGiven(options, today);
  const others = (await othersIn(options, today)).filter(({ keyId }) => keyId !== own.keyId);
  const trustPem = [own, ...others].map(({ chainPem }) => chainPem).join('');
  return hidingKey({ ...own, others, trustPem }, own.key);
}

async function ownOrGiven({ keysDir, given }: OpenAuthority, today: Date) {
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

/** What was given, and the CA that the registry made itself, where another was given since. */
async function othersIn({ keysDir, given, overlap }: OpenAuthority, today: Date) {
  if (overlap === 'none') return [];
  const made = given === null ? undefined : await readKeyFile(join(keysDir, fileName));
  const texts = [overlap, made].filter((text) => text !== null && text !== undefined);
  const found = texts.flatMap(authoritiesIn);
  const known = new Map(found.map((one) => [one.keyId, one]));
  return [...known.values()].filter(({ certificate }) => certificate.validToDate > today);
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

function authorityFrom(given: GivenAuthority, now: Date) {
  const chain = chainIn(given.cert);
  const key = keyIn(given.key);
  const [certificate] = chain;
  if (certificate === undefined) throw new AuthorityRefused('there is no certificate in it');
  if (!certificate.checkPrivateKey(key))
    throw new AuthorityRefused('the private key is not that of the first certificate');
  checkIssuer(certificate);
  if (certificate.validToDate <= now)
    throw new AuthorityRefused(`the first certificate ended at ${certificate.validTo}`);
  checkChain(chain);
  return hidingKey(trustedFrom(chain), key);
}

/** Who prints it prints no key. */
const hidingKey = <Authority extends object, Key extends KeyObject | null>(
  authority: Authority,
  key: Key,
): Authority & { readonly key: Key } =>
  Object.defineProperty(authority as Authority & { key: Key }, 'key', {
    ...{ value: key, enumerable: false },
  });

/** @param chain is not empty */
function trustedFrom(chain: readonly X509Certificate[]): Omit<TrustedAuthority, 'key'> {
  const [certificate] = chain as [X509Certificate];
  const root = chain.at(-1) ?? certificate;
  return {
    ...{ certificate, chain, root },
    chainPem: chain.map((one) => one.toString()).join(''),
    fingerprint: root.fingerprint256.replaceAll(':', '').toLowerCase(),
    keyId: keyIdOf(certificate.publicKey),
  };
}

const keyBlock = /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----[^-]+-----END ([A-Z]+ )?PRIVATE KEY-----/g;

/** CAs one after the other, each to its root; their keys anywhere between. @throws OverlapRefused */
function authoritiesIn(text: string): TrustedAuthority[] {
  try {
    const keys = (text.match(keyBlock) ?? []).map(keyIn);
    const chains: X509Certificate[][] = [];
    let chain: X509Certificate[] = [];
    for (const one of chainIn(text)) {
      chain.push(one);
      if (!one.checkIssued(one)) continue;
      chains.push(chain);
      chain = [];
    }
    if (chain.length > 0) chains.push(chain);
    if (chains.length === 0) throw new AuthorityRefused('there is no certificate in it');
    const found = chains.map((its) => {
      const trusted = trustedFrom(its);
      checkIssuer(trusted.certificate);
      checkChain(its);
      const key = keys.find((one) => trusted.certificate.checkPrivateKey(one)) ?? null;
      return hidingKey(trusted, key);
    });
    const isUsed = (key: KeyObject) =>
      found.some(({ certificate }) => certificate.checkPrivateKey(key));
    if (!keys.every(isUsed))
      throw new AuthorityRefused('a private key in it is of none of its issuers');
    return found;
  } catch (error) {
    if (!(error instanceof AuthorityRefused)) throw error;
    throw new OverlapRefused(error.message);
  }
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
function checkIssuer(certificate: X509Certificate): void {
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
