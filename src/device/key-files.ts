/** The two files of a device's certificate: its private key, and the chain that the registry issued for it. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writePrivateFile } from '../platform/private-file.ts';
import { isCertifiable } from './csr.ts';
import { codeOf, RegistrationFileError } from './file.ts';

export interface DeviceKey {
  readonly privateKey: KeyObject;
  /** PKCS#8, PEM. */
  readonly pem: string;
  /** SHA-256 of its SubjectPublicKeyInfo, hex: as the page shows it. */
  readonly fingerprint: string;
}

/** A chain that belongs to the device's key and name. */
export interface DeviceCertificate {
  /** PEM, the device's own first, the root last. */
  readonly chain: string;
  readonly notAfter: Date;
  /** Two thirds of its life are over then, and it is time for the next one. */
  readonly renewAt: Date;
}

async function contentOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new RegistrationFileError(`${path} cannot be read (${codeOf(error)}).`);
  }
}

async function keep(path: string, text: string): Promise<void> {
  try {
    await writePrivateFile(path, text);
  } catch (error) {
    throw new RegistrationFileError(`${path} cannot be written (${codeOf(error)}).`);
  }
}

function privateKeyIn(path: string, pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new RegistrationFileError(
      `${path} is there, but holds no private key that can be read (PEM, without a passphrase). Nothing was changed; give another name.`,
    );
  }
  if (isCertifiable(key)) return key;
  throw new RegistrationFileError(
    `${path} holds a key of a kind that gets no certificate. Give one of EC P-256, EC P-384, Ed25519 or RSA.`,
  );
}

/**
 * The key of the file, or a new one (EC P-256), which is on disk before anybody hears of it.
 * @throws RegistrationFileError
 */
export async function openKey(path: string): Promise<DeviceKey> {
  const held = await contentOf(path);
  const privateKey =
    held === null
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
      : privateKeyIn(path, held);
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  if (held === null) await keep(path, pem);
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return { privateKey, pem, fingerprint: createHash('sha256').update(spki).digest('hex') };
}

const firstBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/;

/** The fingerprints of the roots in a chain: more than one while the registry's CA changes. */
export function rootsIn(chain: string): string[] {
  try {
    return (chain.match(new RegExp(firstBlock, 'g')) ?? [])
      .map((pem) => new X509Certificate(pem))
      .filter((one) => one.ca && one.checkIssued(one) && one.verify(one.publicKey))
      .map(({ fingerprint256 }) => fingerprint256.replaceAll(':', '').toLowerCase());
  } catch {
    return [];
  }
}

/** Null: it is no chain of this name and key. */
export function certificateIn(
  chain: string,
  username: string,
  key: DeviceKey,
): DeviceCertificate | null {
  const [own] = firstBlock.exec(chain) ?? [];
  if (own === undefined) return null;
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(own);
    if (certificate.subject !== `CN=${username}` || !certificate.checkPrivateKey(key.privateKey))
      return null;
  } catch {
    return null;
  }
  const { validFromDate: from, validToDate: notAfter } = certificate;
  const lifeMs = notAfter.getTime() - from.getTime();
  return { chain, notAfter, renewAt: new Date(from.getTime() + (lifeMs * 2) / 3) };
}

/** Null: there is no file yet. @throws RegistrationFileError when it holds another's certificate */
export async function readCertificate(
  path: string,
  username: string,
  key: DeviceKey,
): Promise<DeviceCertificate | null> {
  const held = await contentOf(path);
  if (held === null) return null;
  const certificate = certificateIn(held, username, key);
  if (certificate !== null) return certificate;
  throw new RegistrationFileError(
    `${path} is there, but holds no certificate of this key for ${username}. Nothing was changed; give another file, or remove this one.`,
  );
}

/** @throws RegistrationFileError */
export const writeCertificate = (path: string, { chain }: DeviceCertificate): Promise<void> =>
  keep(path, chain);
