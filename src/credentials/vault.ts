/**
 * The vault (SPEC 5): verifiers and personal keys, each in its own stream apart from the audited log,
 * found only by its random id, and gone when destroyed.
 */

import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { Id, Instant } from '../../domain/values.ts';
import { sweptAtOnceMax, verifiersHeldMax } from '../limits.ts';
import { currentInstant } from '../platform/instant.ts';
import { lruCache } from '../platform/lru-cache.ts';
import {
  beginning,
  type EventStore,
  noStream,
  type StoredEvent,
  vaultCategory,
} from '../store/event-store.ts';
import { isQuickVerifier } from './passwords/passwords.ts';

export type Secret =
  | { readonly kind: 'verifier'; readonly username: string; readonly verifier: string }
  /** 32 bytes in base64url. */
  | { readonly kind: 'personal-key'; readonly username: string; readonly key: string };

/** What of a secret may be shown: what it is, and whose. */
export type SecretOwner = Pick<Secret, 'kind' | 'username'>;

export interface Vault {
  /** Keeps a secret before any event names it. The id is random and tells nothing of it. */
  keep(secret: Secret): Promise<string>;
  /** Undefined when it was destroyed or never was. */
  open(id: string): Promise<Secret | undefined>;
  /** Destroys a secret beyond recovery. Destroying what is not there is a success. */
  destroy(id: string): Promise<void>;
  /**
   * Destroys the orphans, and says how many: secrets kept before `olderThan` that no event names,
   * left by a lost race or a crash between the two writes. `olderThan` must leave time for the event
   * that names a secret to be written and known to `isReferenced`. Ends early when the signal aborts.
   */
  sweep(
    isReferenced: (id: string, owner: SecretOwner) => Promise<boolean> | boolean,
    olderThan: Instant,
    signal?: AbortSignal,
  ): Promise<number>;
  /** Calls back with the id of every secret that is destroyed here, or elsewhere while `watch` runs. */
  onDestroyed(listener: (id: string) => void): void;
  /**
   * Follows the vault until the signal aborts: forgets here what another node destroyed and, where it is
   * `copied`, knows what others keep, so that decisions never wait for the store.
   */
  watch(signal: AbortSignal): Promise<void>;
}

const eventType = 'SecretKept';
const StoredSecret = z.object({
  type: z.literal(eventType),
  data: z.discriminatedUnion('kind', [
    z.object({
      at: Instant,
      kind: z.literal('verifier'),
      username: z.string(),
      verifier: z.string().startsWith('$'),
    }),
    z.object({
      at: Instant,
      kind: z.literal('personal-key'),
      username: z.string(),
      key: z.string().regex(/^[\w-]{43}$/),
    }),
  ]),
});
type StoredSecret = z.infer<typeof StoredSecret>['data'];

export function createVault(
  store: EventStore,
  now: () => Instant = currentInstant,
  { copied = false }: { readonly copied?: boolean } = {},
): Vault {
  /** What `watch` has seen, so that nobody waits for a store elsewhere; as large as the vault itself. */
  const copy = copied ? new Map<string, Secret>() : undefined;
  // Only of strong passwords: they must be answered fast, and a slow hash outweighs any read.
  const verifiers = lruCache<Secret>(verifiersHeldMax);
  const listeners: ((id: string) => void)[] = [];

  const forget = (id: string) => {
    copy?.delete(id);
    verifiers.delete(id);
    for (const listener of listeners) listener(id);
  };

  const readSecret = async (id: string): Promise<Secret | undefined> => {
    if (!Id.safeParse(id).success) return undefined;
    const [event] = await store.read(streamOf(id));
    if (event === undefined) return undefined;
    const { at: _, ...secret } = keptIn(event);
    return secret;
  };

  const open = async (id: string): Promise<Secret | undefined> => {
    const known = copy?.get(id);
    if (known !== undefined) return known;
    let other: Secret | undefined;
    const held = await verifiers.load(id, async () => {
      const secret = await readSecret(id);
      if (secret?.kind === 'verifier' && isQuickVerifier(secret.verifier)) return secret;
      other = secret;
      return undefined;
    });
    return held ?? other;
  };

  const destroy = async (id: string): Promise<void> => {
    if (!Id.safeParse(id).success) return;
    try {
      await store.deleteStream(streamOf(id));
    } finally {
      // Also when the answer was lost: it may be gone.
      forget(id);
    }
  };

  return {
    open,
    destroy,

    async keep(secret) {
      const id = randomUUID();
      const data: StoredSecret = { at: now(), ...secret };
      const metadata = { correlationId: randomUUID(), causationId: null };
      await store.append(streamOf(id), noStream, [
        { eventId: randomUUID(), type: eventType, data, metadata },
      ]);
      return id;
    },

    async sweep(isReferenced, olderThan, signal) {
      let destroyed = 0;
      let after = beginning;
      for (;;) {
        const changes = await store.readVault(after, sweptAtOnceMax);
        for (const change of changes) {
          if (signal?.aborted) return destroyed;
          after = change.position;
          const id = idIn(change.stream);
          if (change.kind === 'deleted' || id === undefined) continue;
          const { at, kind, username } = keptIn(change.event);
          if (at >= olderThan || (await isReferenced(id, { kind, username }))) continue;
          await destroy(id);
          destroyed += 1;
        }
        if (changes.length === 0) return destroyed;
        // A large vault must not keep the event loop from its other work.
        await nextTurn();
      }
    },

    onDestroyed(listener) {
      listeners.push(listener);
    },

    async watch(signal) {
      for await (const changes of store.followVault(beginning, signal)) {
        for (const change of changes) {
          const id = idIn(change.stream);
          if (id === undefined) continue;
          if (change.kind === 'deleted') forget(id);
          else if (copy) {
            const { at: _, ...secret } = keptIn(change.event);
            copy.set(id, secret);
          }
        }
      }
    },
  };
}

const streamOf = (id: string): string => `${vaultCategory}-${id}`;

/** The vault also holds streams that are no secrets, such as `vault-keys`: they have no id. */
function idIn(stream: string): string | undefined {
  const id = stream.slice(vaultCategory.length + 1);
  return Id.safeParse(id).success ? id : undefined;
}

function keptIn({ type, data, stream }: StoredEvent): StoredSecret {
  const kept = StoredSecret.safeParse({ type, data });
  // Without the cause: what a parser says of a text may quote it.
  if (!kept.success) throw new Error(`${stream} holds nothing that this version can open`);
  return kept.data.data;
}
