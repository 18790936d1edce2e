/** Personal fields (SPEC 5): sealed under a key per client in the vault, null once it is destroyed. */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { personalKeysMax } from '../limits/credentials.ts';
import { lruCache } from '../platform/lru-cache.ts';
import type { Soon } from '../platform/soon.ts';
import type { NewSecret } from '../store/event-store.ts';
import { withRandomBytes } from './random-pool.ts';
import { newSecretId } from './secret-id.ts';
import type { Vault } from './vault.ts';

/** A sealed field that was changed, or sealed for another field or name. */
export class SealBroken extends Error {
  override name = 'SealBroken';
  constructor(username: string, field: string) {
    super(`the sealed field "${field}" of "${username}" does not open: it is not what was sealed`);
  }
}

export interface PersonalKey {
  readonly keyId: string;
  readonly key: KeyObject;
  /** In base64url, while it is not in the vault yet: it is kept with the event that names it. Null: it is there. */
  readonly newText: string | null;
}

export interface Personal {
  /** The key of a name; a new one when there is none or it was destroyed. */
  keyFor(username: string, existingKeyId: string | null): Soon<PersonalKey>;
  /** A new key, to be kept with the event that names it. */
  written(username: string, key: PersonalKey): NewSecret;
  /**
   * The value of a sealed field; null when there is none, or when its key was destroyed.
   * @throws SealBroken when the text is not what was sealed for this name and field.
   */
  open(username: string, field: string, sealed: string | null): Promise<unknown>;
  /** Lets go of a key that was destroyed. What the vault destroys is let go of by itself. */
  forget(keyId: string): void;
}

const cipher = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Seals any JSON value as `<keyId>.<base64url of nonce, ciphertext and tag>` (AES-256-GCM). The name
 * and the field are authenticated with it: it opens nowhere else.
 */
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

export function createPersonal(
  vault: Pick<Vault, 'written' | 'open' | 'onDestroyed'>,
  keysMax = personalKeysMax,
): Personal {
  // A Buffer of 32 bytes would be cut from Node's pool, and keep all 64 KiB of its slab in memory.
  const keys = lruCache<{ username: string; key: KeyObject }>(keysMax);
  vault.onDestroyed((id) => keys.delete(id));

  const keyOf = async (keyId: string, username: string): Promise<KeyObject | undefined> => {
    const held = await keys.load(keyId, async () => {
      const secret = await vault.open(keyId);
      if (secret === undefined) return undefined;
      if (secret.kind !== 'personal-key') throw new Error(`${keyId} is not the id of a key`);
      return { username: secret.username, key: createSecretKey(secret.key, 'base64url') };
    });
    if (held !== undefined && held.username !== username) {
      throw new Error(`the key ${keyId} is not that of "${username}"`);
    }
    return held?.key;
  };

  const newKey = (): PersonalKey => {
    return withRandomBytes(keyBytes, (bytes) => ({
      keyId: newSecretId(),
      key: createSecretKey(bytes),
      newText: bytes.toString('base64url'),
    }));
  };

  return {
    keyFor(username, existingKeyId) {
      if (existingKeyId === null) return newKey();
      return keyOf(existingKeyId, username).then((key) =>
        key === undefined ? newKey() : { keyId: existingKeyId, key, newText: null },
      );
    },

    written(username, { keyId, newText }) {
      if (newText === null) throw new TypeError('this key is in the vault already');
      return vault.written({ kind: 'personal-key', username, key: newText }, keyId);
    },

    async open(username, field, sealed) {
      if (sealed === null) return null;
      const key = await keyOf(keyIdOf(sealed), username);
      return key === undefined ? null : openField(key, username, field, sealed);
    },

    forget: (keyId) => keys.delete(keyId),
  };
}
