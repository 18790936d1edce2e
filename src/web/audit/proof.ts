/** Checks the log in this browser (WebCrypto): signed checkpoints, and the Merkle proofs of RFC 9162. */

export interface ServedCheckpoint {
  readonly origin: string;
  readonly size: number;
  /** Base64. */
  readonly root: string;
  /** What is signed. */
  readonly text: string;
  readonly signature: Uint8Array<ArrayBuffer>;
  /** The first four bytes beside the signature, in hex: which key. */
  readonly keyId: string;
}

interface VerifierKey {
  readonly name: string;
  readonly hash: string;
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
const base64Of = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** Whether this browser lets a page check signatures: only where it came by HTTPS, or from this machine. */
export const canCheck = (): boolean => globalThis.crypto?.subtle !== undefined;

/** Reads a C2SP signed note with a checkpoint in it; null: it is none. */
export function readCheckpoint(note: string): ServedCheckpoint | null {
  const end = note.indexOf('\n\n');
  const text = note.slice(0, end + 1);
  const [origin = '', size = '', root = ''] = text.split('\n');
  const [, encoded] = /^— \S+ (\S+)$/m.exec(note.slice(end + 2)) ?? [];
  if (end < 0 || !/^\d{1,15}$/.test(size) || encoded === undefined) return null;
  const bytes = bytesOf(encoded);
  if (bytes.length !== 4 + 64) return null;
  return {
    origin,
    size: Number(size),
    root,
    text,
    signature: bytes.slice(4),
    keyId: hex(bytes.slice(0, 4)),
  };
}

/** Reads `<origin>+<hash>+<base64>`; null: it is none. */
export function verifierKeyOf(text: string): VerifierKey | null {
  const [, name, hash, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  if (name === undefined || hash === undefined || encoded === undefined) return null;
  const bytes = bytesOf(encoded);
  return bytes.length === 33 && bytes[0] === 1 ? { name, hash, publicKey: bytes.slice(1) } : null;
}

export async function signatureHolds(
  checkpoint: ServedCheckpoint,
  key: VerifierKey,
): Promise<boolean> {
  if (checkpoint.keyId !== key.hash || checkpoint.origin !== key.name) return false;
  const imported = await crypto.subtle.importKey('raw', key.publicKey, 'Ed25519', false, [
    'verify',
  ]);
  const signed = new TextEncoder().encode(checkpoint.text);
  return await crypto.subtle.verify('Ed25519', imported, checkpoint.signature, signed);
}

const sha256 = async (...parts: readonly Uint8Array[]): Promise<Uint8Array> => {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
};
const nodeHash = (left: Uint8Array, right: Uint8Array) => sha256(Uint8Array.of(1), left, right);

/** The leaf hash of one line of the export, in base64. */
export const leafHashOf = async (line: Uint8Array): Promise<string> =>
  base64Of(await sha256(Uint8Array.of(0), line));

const half = (count: number): number => Math.floor(count / 2);
const isOdd = (count: number): boolean => count % 2 === 1;

/** Both places one level up; where the first one is a left child that ends its tree, further up. */
function climbed(first: number, second: number, joined: boolean): [number, number] {
  let [one, other] = [first, second];
  if (joined) while (!isOdd(one) && one !== 0) [one, other] = [half(one), half(other)];
  return [half(one), half(other)];
}

/** RFC 9162, section 2.1.3.2. Hashes in base64. */
export async function isIncluded(proof: {
  readonly index: number;
  readonly size: number;
  readonly leafHash: string;
  readonly rootHash: string;
  readonly hashes: readonly string[];
}): Promise<boolean> {
  if (proof.index >= proof.size) return false;
  let [first, last] = [proof.index, proof.size - 1];
  let hash: Uint8Array = bytesOf(proof.leafHash);
  for (const next of proof.hashes.map(bytesOf)) {
    if (last === 0) return false;
    const joined = isOdd(first) || first === last;
    hash = joined ? await nodeHash(next, hash) : await nodeHash(hash, next);
    [first, last] = climbed(first, last, joined);
  }
  return last === 0 && base64Of(hash) === proof.rootHash;
}

/** RFC 9162, section 2.1.4.2: whether the older tree is the beginning of the newer one. */
export async function isConsistent(
  older: { readonly size: number; readonly root: string },
  newer: { readonly size: number; readonly root: string },
  hashes: readonly string[],
): Promise<boolean> {
  if (older.size === newer.size) return older.root === newer.root;
  if (older.size > newer.size || older.size === 0) return older.size === 0;
  const isPower = Number.isInteger(Math.log2(older.size));
  const [start, ...path] = (isPower ? [older.root, ...hashes] : hashes).map(bytesOf);
  if (start === undefined) return false;
  let [first, last] = [older.size - 1, newer.size - 1];
  while (isOdd(first)) [first, last] = [half(first), half(last)];
  let oldHash: Uint8Array = start;
  let newHash: Uint8Array = start;
  for (const next of path) {
    if (last === 0) return false;
    const joined = isOdd(first) || first === last;
    if (joined) {
      oldHash = await nodeHash(next, oldHash);
      newHash = await nodeHash(next, newHash);
    } else newHash = await nodeHash(newHash, next);
    [first, last] = climbed(first, last, joined);
  }
  return last === 0 && base64Of(oldHash) === older.root && base64Of(newHash) === newer.root;
}
