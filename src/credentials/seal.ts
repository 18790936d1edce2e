/**
 * Personal fields sealed under a key, and opened: any JSON value as `<keyId>.<base64url of nonce, ciphertext and tag>` (AES-256-GCM).
 * The name and the field are authenticated with it: it opens nowhere else.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { withRandomBytes } from './random-pool.ts';

/** A sealed field that was changed, or sealed for another field or name. */
export class SealBroken extends Error {
  override name = 'SealBroken';
  constructor(username: string, field: string) {
    super(`the sealed field "${field}" of "${username}" does not open: it is not what was sealed`);
  }
}

const cipher = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

export function sealField(
  key: KeyObject,
  keyId: string,
  username: string,
  field: string,
  value: unknown,
): string {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`the field "${field}" is no JSON value`);
  return withRandomBytes(nonceBytes, (nonce) => {
    const seal = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes });
    seal.setAAD(Buffer.from(`${username}\0${field}`));
    const sealed = [nonce, seal.update(text, 'utf8'), seal.final(), seal.getAuthTag()];
    return `${keyId}.${Buffer.concat(sealed).toString('base64url')}`;
  });
}

/** The id of the key that a field was sealed with. */
export const keyIdOf = (sealed: string): string => sealed.slice(0, sealed.lastIndexOf('.'));

/** @throws SealBroken when the text is not what was sealed with this key for this name and field. */
export function openField(
  key: KeyObject,
  username: string,
  field: string,
  sealed: string,
): unknown {
  try {
    const encoded = sealed.slice(sealed.lastIndexOf('.') + 1);
    const bytes = Buffer.from(encoded, 'base64url');
    // Node reads over characters that do not belong there.
    if (bytes.toString('base64url') !== encoded) throw new SealBroken(username, field);
    const nonce = bytes.subarray(0, nonceBytes);
    const seal = createDecipheriv(cipher, key, nonce, { authTagLength: tagBytes });
    seal.setAAD(Buffer.from(`${username}\0${field}`));
    seal.setAuthTag(bytes.subarray(-tagBytes));
    const text = seal.update(bytes.subarray(nonceBytes, -tagBytes));
    return JSON.parse(Buffer.concat([text, seal.final()]).toString());
  } catch {
    throw new SealBroken(username, field);
  }
}

/** A key that nobody has yet, and its text in base64url. */
export const newKey = (): { readonly key: KeyObject; readonly newText: string } =>
  withRandomBytes(keyBytes, (bytes) => ({
    key: createSecretKey(bytes),
    newText: bytes.toString('base64url'),
  }));

/** Each value sealed for its field; none is null. */
export const sealFields = (
  { key, keyId }: { readonly key: KeyObject; readonly keyId: string },
  username: string,
  names: readonly string[],
  values: readonly unknown[],
): (string | null)[] =>
  names.map((name, at) =>
    values[at] === null ? null : sealField(key, keyId, username, name, values[at]),
  );

/** Fields of clients that have no key yet; the id of each key is given to it. Flat, since a thread may be given it. */
export interface ToSeal {
  readonly names: readonly string[];
  readonly clients: readonly (readonly [
    username: string,
    keyId: string,
    values: readonly unknown[],
  ])[];
}

/** The text of the new key in base64url, and the fields in their order. */
export type SealedAnew = readonly [newText: string, fields: readonly (string | null)[]];

/** Each under a new key of its own. */
export const sealAnew = ({ names, clients }: ToSeal): SealedAnew[] =>
  clients.map(([username, keyId, values]) => {
    const { key, newText } = newKey();
    return [newText, sealFields({ key, keyId }, username, names, values)];
  });
