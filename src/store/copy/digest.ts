/** The running hash of an order of events: over their canonical lines (RFC 8785), as exports have them. */
import { createHash } from 'node:crypto';
import type { StoredEvent } from '../event-store.ts';

export interface Digest {
  add(event: StoredEvent): void;
  readonly count: () => number;
  /** Hex, of all that was added so far. */
  readonly sha256: () => string;
}

export function digest(): Digest {
  const hash = createHash('sha256');
  let count = 0;
  return {
    add(event) {
      count += 1;
      hash.update(lineOf(event)).update('\n');
    },
    count: () => count,
    sha256: () => hash.copy().digest('hex'),
  };
}

/** All of an event but its position, which is each store's own. */
export function lineOf({ eventId, type, stream, revision, data, metadata }: StoredEvent): string {
  return canonicalJson({ data, eventId, metadata, revision, stream, type });
}

/** RFC 8785, of what `JSON.parse` gives: keys by their UTF-16 units, numbers and text as JSON writes them. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}
