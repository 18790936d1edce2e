/** The inside of a backup: parts of lines, many lines in a frame, packed; and what the last frame says of all of them. */
import { createHash, type Hash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { z } from 'zod';
import { Id, Instant } from '../../domain/values.ts';
import { backupTextBytesMax } from '../limits/operating.ts';
import { damaged } from './refused.ts';

/**
 * `log`: the lines of an export. `vault`: what was kept and deleted, in its order. `checkpoints`: the lines of
 * checkpoints.txt. `keys`: the files of the key folder.
 */
export const partNames = ['log', 'vault', 'checkpoints', 'keys'] as const;
export type PartName = (typeof partNames)[number];

const Count = z.int().min(0);

const PartEnd = z.strictObject({
  name: z.enum(partNames),
  lines: Count,
  bytes: Count,
  /** Hex, over its lines with their ends. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** The last line: what was taken, so that whoever restores it can tell whether all of it is there. */
export const BackupEnd = z.strictObject({
  backupId: Id,
  /** The log's newest event. */
  position: z.string().regex(/^\d{20}$/),
  events: Count,
  /** Base64, of the Merkle tree of these events. */
  rootHash: z.string(),
  /** Signed, of just these events; null: nothing was signed, since the log was not the one that was published. */
  checkpoint: z.string().nullable(),
  /** How far the rows were, and what they were; they are made anew from the log. */
  readModels: z.strictObject({
    position: z.string(),
    events: Count,
    models: z.array(z.strictObject({ name: z.string(), version: z.int() })),
  }),
  /** Whether keys are in it. */
  withKeys: z.boolean(),
  endedAt: Instant,
  parts: z.array(PartEnd).length(partNames.length),
});
export type BackupEnd = z.infer<typeof BackupEnd>;

/** What the store keeps of a file of the key folder. */
export const KeyFileLine = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/),
  text: z.string().max(1_000_000),
});
export type KeyFileLine = z.infer<typeof KeyFileLine>;

const StoredLine = z.strictObject({
  eventId: z.string().min(1),
  type: z.string().min(1),
  stream: z.string().min(1),
  revision: Count,
  data: z.record(z.string(), z.unknown()),
  metadata: z.looseObject({
    correlationId: z.string(),
    causationId: z.string().nullable(),
  }),
});

export const VaultLine = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('kept'), event: StoredLine }),
  z.strictObject({ kind: z.literal('deleted'), stream: z.string().min(1) }),
]);
export const LogLine = StoredLine;

/** A line as its part has it. @throws BackupRefused */
export function lineAs<Line>(schema: z.ZodType<Line>, part: PartName, line: string): Line {
  try {
    return schema.parse(JSON.parse(line));
  } catch {
    throw damaged(`a line of its part ${part} is not one`);
  }
}

/** Lines, bytes and digest of each part as they come by. */
export function partDigests() {
  const all = new Map(
    partNames.map((name) => [name, { lines: 0, bytes: 0, hash: createHash('sha256') as Hash }]),
  );
  return {
    add(name: PartName, lines: string, count: number): void {
      const part = all.get(name);
      if (part === undefined) return;
      part.lines += count;
      part.bytes += Buffer.byteLength(lines);
      part.hash.update(lines);
    },
    ends: (): BackupEnd['parts'] =>
      [...all].map(([name, { lines, bytes, hash }]) => ({
        ...{ name, lines, bytes },
        sha256: hash.copy().digest('hex'),
      })),
  };
}

const pack = promisify(deflateRaw);
const unpack = promisify(inflateRaw);

/** The content of a frame: the name of its part, and lines of it, each with its end. */
export const packed = (part: PartName | 'end', lines: string): Promise<Buffer> =>
  pack(`${part}\n${lines}`, { level: 3 });

/** @throws BackupRefused */
export async function unpacked(
  content: Buffer,
): Promise<{ readonly part: PartName | 'end'; readonly lines: string }> {
  const bytes = await unpack(content, { maxOutputLength: backupTextBytesMax }).catch(() => {
    throw damaged('a frame cannot be unpacked');
  });
  const text = bytes.toString();
  const end = text.indexOf('\n');
  const part = text.slice(0, end);
  if (part !== 'end' && !partNames.some((name) => name === part))
    throw damaged('a frame is of no part that there is');
  if (!text.endsWith('\n')) throw damaged('a frame ends in the middle of a line');
  return { part: part as PartName | 'end', lines: text.slice(end + 1) };
}
