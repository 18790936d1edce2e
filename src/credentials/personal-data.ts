/** Personal fields (SPEC 5): sealed under a key per client in the vault, null once it is destroyed. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { personalKeysMax } from '../limits/credentials.ts';
import { lruCache } from '../platform/lru-cache.ts';
import { type Soon, soon } from '../platform/soon.ts';
import type { NewSecret } from '../store/event-store.ts';
import type { CryptoInThread } from './crypto-in-thread.ts';
import {
  keyIdOf,
  newKey,
  openField,
  type SealedAnew,
  sealAnew,
  sealFields,
  type ToSeal,
} from './seal.ts';
import { newSecretId } from './secret-id.ts';
import type { Vault } from './vault.ts';

export interface PersonalKey {
  readonly keyId: string;
  readonly key: KeyObject;
  /** In base64url, while it is not in the vault yet: it is kept with the event that names it. Null: it is there. */
  readonly newText: string | null;
}

/** Fields in the order of their names, and the key that they are sealed with. */
export interface SealedFields extends Pick<PersonalKey, 'keyId' | 'newText'> {
  readonly fields: readonly (string | null)[];
}

export interface Personal {
  /** The key of a name; a new one when there is none or it was destroyed. */
  keyFor(username: string, existingKeyId: string | null): Soon<PersonalKey>;
  /** A new key, to be kept with the event that names it. */
  written(username: string, key: Pick<PersonalKey, 'keyId' | 'newText'>): NewSecret;
  /** Values sealed for the fields of a name with its key, as `keyFor` has it; null stays null. */
  sealed(
    username: string,
    existingKeyId: string | null,
    values: readonly unknown[],
  ): Soon<SealedFields>;
  /**
   * The value of a sealed field; null when there is none, or when its key was destroyed.
   * @throws SealBroken when the text is not what was sealed for this name and field.
   */
  open(username: string, field: string, sealed: string | null): Promise<unknown>;
  /** Lets go of a key that was destroyed. What the vault destroys is let go of by itself. */
  forget(keyId: string): void;
}

/** What is sealed of a request. */
const personalFieldNames = ['source', 'clientId', 'context'] as const;

interface WaitingForSeal {
  readonly client: ToSeal['clients'][number];
  readonly resolve: (sealed: SealedFields) => void;
  readonly reject: (error: unknown) => void;
}

/** Fields of new clients, sealed together where they came in the same turn of the event loop. */
class SealedTogether {
  readonly #thread: CryptoInThread | undefined;
  #waiting: WaitingForSeal[] = [];

  constructor(thread: CryptoInThread | undefined) {
    this.#thread = thread;
  }

  sealed(username: string, values: readonly unknown[]): Promise<SealedFields> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#sealAll());
      this.#waiting.push({ client: [username, newSecretId(), values], resolve, reject });
    });
  }

  async #sealAll(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const toSeal = { names: personalFieldNames, clients: waiting.map(({ client }) => client) };
    try {
      const here = () => sealAnew(toSeal);
      const all = (await this.#thread?.seal(toSeal)?.catch(here)) ?? here();
      for (const [at, { client, resolve }] of waiting.entries()) {
        const [newText, fields] = all[at] as SealedAnew;
        resolve({ keyId: client[1], newText, fields });
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}

interface PersonalOptions {
  readonly keysMax?: number;
  /** Seals what is wanted together. */
  readonly thread?: CryptoInThread;
}

export function createPersonal(
  vault: Pick<Vault, 'written' | 'open' | 'onDestroyed'>,
  { keysMax = personalKeysMax, thread }: PersonalOptions = {},
): Personal {
  // A Buffer of 32 bytes would be cut from Node's pool, and keep all 64 KiB of its slab in memory.
  const keys = lruCache<{ username: string; key: KeyObject }>(keysMax);
  const together = new SealedTogether(thread);
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

  const keyFor: Personal['keyFor'] = (username, existingKeyId) => {
    const anew = () => ({ keyId: newSecretId(), ...newKey() });
    if (existingKeyId === null) return anew();
    return keyOf(existingKeyId, username).then((key) =>
      key === undefined ? anew() : { keyId: existingKeyId, key, newText: null },
    );
  };

  return {
    keyFor,

    sealed(username, existingKeyId, values) {
      if (existingKeyId === null && thread?.isThere) return together.sealed(username, values);
      return soon(keyFor(username, existingKeyId), (key) => ({
        ...{ keyId: key.keyId, newText: key.newText },
        fields: sealFields(key, username, personalFieldNames, values),
      }));
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
