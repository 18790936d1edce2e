/** Whether a log is whole: its checkpoint is the root of its events, each of which stands there once; its vault has no orphan. */
import { createHash } from 'node:crypto';

const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The root of a Merkle tree over lines (RFC 9162, section 2.1.1), made level by level and not as the service does. */
export function rootOf(lines: readonly string[]): string {
  let level = lines.map((line) => sha256(Uint8Array.of(0), line));
  if (level.length === 0) return sha256('').toString('base64');
  while (level.length > 1) {
    const above: Buffer[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const [left, right] = [level[at] as Buffer, level[at + 1]];
      above.push(right === undefined ? left : sha256(Uint8Array.of(1), left, right));
    }
    level = above;
  }
  return (level[0] as Buffer).toString('base64');
}

/** @param checkpoint as it is served @param lines of an export that was made after it */
export function logFaults(checkpoint: string, lines: readonly string[]): string[] {
  const [, size, root] = checkpoint.split('\n');
  const recomputed = rootOf(lines.slice(0, Number(size)));
  const violations =
    recomputed === root && lines.length >= Number(size)
      ? []
      : [`root ${root} at ${size}, recomputed ${recomputed} of ${lines.length}`];
  const seen = new Set<string>();
  for (const line of lines) {
    const { eventId } = JSON.parse(line) as { eventId: string };
    if (seen.has(eventId)) violations.push(`${eventId} was written twice`);
    seen.add(eventId);
  }
  return violations;
}

const idPattern = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** @param kept kinds of secrets by their streams @param events data of every event */
export function orphansAmong(
  kept: ReadonlyMap<string, string>,
  events: Iterable<unknown>,
): string[] {
  const named = new Set<string>();
  for (const data of events)
    for (const [id] of JSON.stringify(data).matchAll(idPattern)) named.add(id);
  return [...kept]
    .filter(([stream]) => !named.has(stream.replace(/^vault-/, '')))
    .map(([stream, kind]) => `${stream} (${kind}) is named by no event`);
}
