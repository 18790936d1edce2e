/** The files that a device goes on from: its password and progress, its key and its certificate. */
import { randomBytes } from 'node:crypto';
import { signingRequest } from './csr.ts';
import {
  type RegistrationFile,
  RegistrationFileError,
  readRegistrationFile,
  writeRegistrationFile,
} from './file.ts';
import { certificateIn, openKey, readCertificate, writeCertificate } from './key-files.ts';
import type { RegisterOptions } from './registration.ts';
import type { DeviceProgress, KeyInHand } from './session.ts';

const pairingIdLength = 6;

/** @throws RegistrationFileError */
export async function openKeyInHand(
  { username, certificate: files }: RegisterOptions,
  url: string,
): Promise<KeyInHand | null> {
  if (files === undefined) return null;
  if (!url.startsWith('https:'))
    throw new RegistrationFileError(
      `A certificate goes with https, and the registry is at ${url}. Nothing was changed; give its https address.`,
    );
  const key = await openKey(files.keyFile);
  const held = await readCertificate(files.certificateFile, username, key);
  const csr = signingRequest(username, key.privateKey);
  return {
    ...{ key, csr, held },
    certificateIn: (chain) => certificateIn(chain, username, key),
    keep: (certificate) => writeCertificate(files.certificateFile, certificate),
  };
}

/**
 * Without a file: only what the key says, so that every run shows the same pairing ID.
 * @throws RegistrationFileError
 */
export async function openProgress(
  options: RegisterOptions,
  url: string,
  inHand: KeyInHand | null,
): Promise<DeviceProgress> {
  const { username, file, pairingId } = options;
  if (file !== undefined) return await openFile(options, file, url);
  if (inHand === null) throw new RegistrationFileError('A device keeps a file, or a key.');
  return {
    ...{ url, username, requestId: null, registrationToken: null },
    password: options.password ?? null,
    pairingId: pairingId ?? inHand.key.fingerprint.slice(0, pairingIdLength),
    registered: null,
  };
}

/** The file as it was left, or a new one. It is on disk before anything is sent, so no password is lost. */
async function openFile(
  options: RegisterOptions,
  path: string,
  url: string,
): Promise<RegistrationFile> {
  const { username, password } = options;
  const held = await readRegistrationFile(path);
  const differs = (what: string) =>
    new RegistrationFileError(
      `${path} belongs to another ${what}. Nothing was changed; give another file, or remove this one.`,
    );
  if (held !== null) {
    if (held.username !== username) throw differs(`name: ${held.username}`);
    if (held.url !== url) throw differs(`registry: ${held.url}`);
    if (password !== undefined && password !== held.password) throw differs('password');
    // A request that was made keeps the pairing ID that it was made with.
    if (held.requestId !== null || options.pairingId === undefined) return held;
  }
  const file: RegistrationFile = {
    url,
    username,
    password: held?.password ?? password ?? randomBytes(32).toString('hex'),
    requestId: null,
    pairingId: options.pairingId ?? held?.pairingId ?? randomBytes(3).toString('hex'),
    registrationToken: null,
    registered: held?.registered ?? null,
  };
  await writeRegistrationFile(path, file);
  return file;
}
