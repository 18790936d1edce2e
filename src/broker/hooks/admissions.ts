/** Remembers which sessions were admitted lately through a broker that asks, and with which rights. */
import { hash } from 'node:crypto';
import type { CompiledPermissions } from '../../../domain/matching.ts';
import { hookAdmissionsMax, hookAdmissionsPerNameMax } from '../../limits.ts';

/** How a session was admitted: what decides whether it may stay open. */
export interface Admitted {
  readonly credentialId: string | null;
  readonly tokenId: string | null;
  /** Of the certificate that opened when it was let in by one; null: by a password or a token. */
  readonly certificateSerial: string | null;
  /** `rightsDigest` of the rights at that time. */
  readonly rights: string;
  /** Milliseconds of the monotonic clock. */
  readonly atMs: number;
}

/** Recent admissions of one kind of broker, by username and client id; the oldest usernames are evicted first. */
export interface Admissions {
  remember(username: string, clientId: string, admitted: Admitted): void;
  of(username: string): ReadonlyMap<string, Admitted>;
  forget(username: string): void;
}

/** Digests of permissions that somebody holds: they are worked out once for each account, and never changed. */
const digests = new WeakMap<CompiledPermissions, string>();

const shortDigest = (value: unknown): string =>
  hash('sha256', JSON.stringify(value), 'base64url').slice(0, 22);

function permissionsDigest(permissions: CompiledPermissions): string {
  const known = digests.get(permissions);
  if (known !== undefined) return known;
  const { mqttRead, mqttWrite } = permissions;
  const digest = shortDigest([mqttRead, mqttWrite]);
  digests.set(permissions, digest);
  return digest;
}

/** A text that is equal for equal rights. */
export function rightsDigest(rights: {
  readonly permissions: CompiledPermissions;
  readonly publishPrefix: string | null;
  readonly pinnedClientId: string | null;
}): string {
  const { permissions, publishPrefix, pinnedClientId } = rights;
  const digest = permissionsDigest(permissions);
  return publishPrefix === null && pinnedClientId === null
    ? digest
    : shortDigest([digest, publishPrefix, pinnedClientId]);
}

const noAdmissions: ReadonlyMap<string, Admitted> = new Map();

export function createAdmissions(
  max = hookAdmissionsMax,
  perNameMax = hookAdmissionsPerNameMax,
): Admissions {
  const byName = new Map<string, Map<string, Admitted>>();
  let count = 0;
  const forget = (username: string) => {
    count -= byName.get(username)?.size ?? 0;
    byName.delete(username);
  };
  return {
    remember(username, clientId, admitted) {
      const known = byName.get(username) ?? new Map<string, Admitted>();
      count -= known.size;
      known.delete(clientId);
      known.set(clientId, admitted);
      if (known.size > perNameMax) known.delete(known.keys().next().value as string);
      count += known.size;
      // Last in the map again: the username that was admitted last is evicted last.
      byName.delete(username);
      byName.set(username, known);
      while (count > max) {
        const [oldest] = byName.keys();
        if (oldest === undefined) return;
        forget(oldest);
      }
    },
    of: (username) => byName.get(username) ?? noAdmissions,
    forget,
  };
}
