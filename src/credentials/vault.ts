/**
 * The vault (SPEC 5): verifiers and personal keys, each in its own stream apart from the audited log,
 * found only by its random id, and gone when destroyed.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { Id, Instant } from '../../domain/values.ts';
import { sweptAtOnceMax, sweptPerTurnMax, verifiersHeldMax } from '../limits/credentials.ts';
import { newOrderedId, randomId } from '../platform/ids.ts';
import { currentInstant } from '../platform/instant.ts';
import { lruCache } from '../platform/lru-cache.ts';
import {
  beginning,
  type EventStore,
  type NewSecret,
  noStream,
  type StoredEvent,
  vaultCategory,
} from '../store/event-store.ts';
import { isQuickVerifier } from './passwords/passwords.ts';
import { newSecretId } from './secret-id.ts';

export type Secret =
  | { readonly kind: 'verifier'; readonly username: string; readonly verifier: string }
  /** Those of many clients by username, until approvers decide on their import. */
  | {
      readonly kind: 'verifiers';
      readonly username: string;
      readonly verifiers: Readonly<Record<string, string>>;
    }
  /** 32 bytes in base64url. */
  | { readonly kind: 'personal-key'; readonly username: string; readonly key: string }
  /** The answer to a command that waited for approvers, until its proposer collects it: sealed. */
  | { readonly kind: 'answer'; readonly username: string; readonly sealed: string };

/** What of a secret may be shown: what it is, and whose. */
export type SecretOwner = Pick<Secret, 'kind' | 'username'>;

/** A secret that cannot be opened; null where it does not even say whose it is. */
interface Unreadable {
  readonly id: string;
  readonly username: string | null;
}

interface SweepMore {
  readonly signal?: AbortSignal;
  readonly onUnreadable?: (secret: Unreadable) => void;
}

export interface Vault {
  /**
   * Keeps a secret before any event names it, under a random id that tells nothing of it: a new one, or one
   * that was made by `newSecretId()` and used for nothing else.
   */
  keep(secret: Secret, id?: string): Promise<string>;
  /**
   * The same for an append that brings the event along: the store keeps it no later than that.
   * @throws Error for what could not be opened again
   */
  written(secret: Secret, id: string): NewSecret;
  /** Undefined when it was destroyed or never was. Rejects with UnreadableSecret */
  open(id: string): Promise<Secret | undefined>;
  /** The same at once, as far as it is in memory. */
  held(id: string): Secret | undefined;
  /** Destroys a secret beyond recovery. Destroying what is not there is a success. */
  destroy(id: string): Promise<void>;
  /**
   * Destroys the orphans, and says how many: secrets kept before `olderThan` that no event names,
   * left by a lost race or a crash between the two writes. `olderThan` must leave time for the event
   * that names a secret to be written and known to `isReferenced`. Ends early when the signal aborts.
   * What cannot be opened is left as it is, and told.
   */
  sweep(
    isReferenced: (id: string, owner: SecretOwner) => Promise<boolean> | boolean,
    olderThan: Instant,
    more?: SweepMore,
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
      kind: z.literal('verifiers'),
      username: z.string(),
      verifiers: z.record(z.string(), z.string().startsWith('$')),
    }),
    z.object({
      at: Instant,
      kind: z.literal('personal-key'),
      username: z.string(),
      key: z.string().regex(/^[\w-]{43}$/),
    }),
    z.object({
      at: Instant,
      kind: z.literal('answer'),
      username: z.string(),
      sealed: z.string().min(1),
    }),
  ]),
});
type StoredSecret = z.infer<typeof StoredSecret>['data'];

/** A secret that this version cannot open: it is damaged, or a newer version kept it. */
export class UnreadableSecret extends Error {
  override name = 'UnreadableSecret';
}

export function createVault(
  store: EventStore,
  now: () => Instant = currentInstant,
  { copied = false }: { readonly copied?: boolean } = {},
): Vault {
  const held = heldSecrets(store);
  const listeners: ((id: string) => void)[] = [];

  const forget = (id: string) => {
    held.forget(id);
    for (const listener of listeners) listener(id);
  };

  const written = (secret: Secret, id: string): NewSecret => {
    const data = toBeKept(now(), secret);
    const metadata = { correlationId: randomId(), causationId: null };
    return {
      stream: streamOf(id),
      event: { eventId: newOrderedId(), type: eventType, data, metadata },
    };
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
    ...{ open: held.open, held: held.get, destroy },

    written,

    async keep(secret, id = newSecretId()) {
      const { stream, event } = written(secret, id);
      await store.append(stream, noStream, [event]);
      return id;
    },

    async sweep(isReferenced, olderThan, more = {}) {
      let destroyed = 0;
      for await (const { id, at, owner } of keptSecrets(store, more)) {
        if (at >= olderThan || (await isReferenced(id, owner))) continue;
        await destroy(id);
        destroyed += 1;
      }
      return destroyed;
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
          else if (copied) held.add(id, change.event);
        }
      }
    },
  };
}

/** What of the vault is in memory, and read where it is not. */
function heldSecrets(store: EventStore) {
  /** What `watch` added, so that nobody waits for a store elsewhere; as large as the vault itself. */
  const copy = new Map<string, Secret>();
  // Only of strong passwords: they must be answered fast, and a slow hash outweighs any read.
  const verifiers = lruCache<Secret>(verifiersHeldMax);

  async function opened(id: string): Promise<Secret | undefined> {
    let other: Secret | undefined;
    const verifier = await verifiers.load(id, async () => {
      const secret = await readSecret(store, id);
      if (secret?.kind === 'verifier' && isQuickVerifier(secret.verifier)) return secret;
      other = secret;
      return undefined;
    });
    return verifier ?? other;
  }

  const get = (id: string): Secret | undefined => copy.get(id) ?? verifiers.get(id);

  return {
    get,
    open(id: string): Promise<Secret | undefined> {
      const known = get(id);
      return known === undefined ? opened(id) : Promise.resolve(known);
    },
    add(id: string, event: StoredEvent): void {
      const secret = secretIn(event);
      // What cannot be opened is told to whoever asks for it; all others are known here nevertheless.
      if (secret !== undefined) copy.set(id, secret);
    },
    forget(id: string): void {
      copy.delete(id);
      verifiers.delete(id);
    },
  };
}

async function readSecret(store: EventStore, id: string): Promise<Secret | undefined> {
  if (!idForm.test(id)) return undefined;
  const [event] = await store.read(streamOf(id));
  return event && secretOf(event);
}

/** Every secret that is not destroyed and can be opened, in the order in which they were kept; ends when the signal aborts. */
async function* keptSecrets(
  store: EventStore,
  { signal, onUnreadable }: SweepMore,
): AsyncGenerator<{ id: string; at: Instant; owner: SecretOwner }, void, void> {
  let after = beginning;
  for (;;) {
    const changes = await store.readVault(after, sweptAtOnceMax);
    for (const [index, change] of changes.entries()) {
      // A large vault must not keep the event loop from its other work.
      if (index % sweptPerTurnMax === 0) await nextTurn();
      if (signal?.aborted) return;
      after = change.position;
      const id = idIn(change.stream);
      if (change.kind === 'deleted' || id === undefined) continue;
      const kept = StoredSecret.safeParse(change.event).data?.data;
      if (kept === undefined) {
        onUnreadable?.({ id, username: keptSecretIn(change.event)?.username ?? null });
        continue;
      }
      const { at, kind, username } = kept;
      yield { id, at, owner: { kind, username } };
    }
    if (changes.length === 0) return;
  }
}

/** As the ids of secrets are; what else is in the vault has none of this form. */
const idForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const streamOf = (id: string): string => `${vaultCategory}-${id}`;

/** The vault also holds streams that are no secrets, such as `vault-keys`: they have no id. */
function idIn(stream: string): string | undefined {
  const id = stream.slice(vaultCategory.length + 1);
  return Id.safeParse(id).success ? id : undefined;
}

/** Also of one that cannot be opened, as far as that can be read. */
const Owned = z.object({
  type: z.literal(eventType),
  data: z.object({ at: Instant, username: z.string() }),
});

/** Whose secret an event of the vault keeps, and since when; undefined for what else is there. */
export const keptSecretIn = (
  event: StoredEvent,
): { readonly username: string; readonly at: Instant } | undefined =>
  idIn(event.stream) === undefined ? undefined : Owned.safeParse(event).data?.data;

/** @throws TypeError for what could not be opened again */
function toBeKept(at: Instant, secret: Secret): StoredSecret {
  const data: StoredSecret = { at, ...secret };
  if (secretIn({ type: eventType, data }) === undefined)
    throw new TypeError(`this ${secret.kind} could not be opened again`);
  return data;
}

/** Undefined for what this version cannot open. */
function secretIn({ type, data }: Pick<StoredEvent, 'type' | 'data'>): Secret | undefined {
  const { kind, username, verifier } = data;
  // What every login reads; all else, and whatever is not right with this, the schema judges.
  if (type === eventType && kind === 'verifier')
    if (typeof username === 'string' && typeof verifier === 'string' && verifier.startsWith('$'))
      return { kind, username, verifier };
  const parsed = StoredSecret.safeParse({ type, data }).data;
  if (parsed === undefined) return undefined;
  const { at: _, ...secret } = parsed.data;
  return secret;
}

function secretOf(event: StoredEvent): Secret {
  const secret = secretIn(event);
  // Without what a parser says of it: that may quote it.
  if (secret === undefined)
    throw new UnreadableSecret(`${event.stream} holds nothing that this version can open`);
  return secret;
}
