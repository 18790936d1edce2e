/**
 * The outside of a backup (docs/backup.md has the format): a first line, a header and frames. Each frame has a tag over
 * the header, its number, its length, whether it is the last one, and its content: nothing is looked at that was changed,
 * moved, repeated or cut off. Encrypted, frames are AES-256-GCM with a counter as the nonce; else the tag is a SHA-256.
 */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { z } from 'zod';
import { Instant } from '../../domain/values.ts';
import { backupFrameBytesMax, backupHeaderBytesMax } from '../limits/operating.ts';
import { byteReader } from './byte-reader.ts';
import { Encryption, type Unlock } from './passphrase.ts';
import { BackupRefused, damaged } from './refused.ts';

const format = 1;
const firstLine = (version: number) => `gatebook-backup ${version}\n`;

export const BackupHeader = z.strictObject({
  /** When it was begun. */
  takenAt: Instant,
  /** The version of the Gatebook that wrote it. */
  gatebook: z.string().max(100),
  encryption: Encryption.nullable(),
});
export type BackupHeader = z.infer<typeof BackupHeader>;

const tagBytes = 16;
const lengthBytes = 4;
const lastBit = 0x8000_0000;

/** The counter is the nonce (NIST SP 800-38D, 8.2.1): each file has a key of its own, and no frame has another's number. */
function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt8(isLast ? 1 : 0, 0);
  nonce.writeBigUInt64BE(BigInt(number), 4);
  return nonce;
}

function lengthOf(content: Buffer, isLast: boolean): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  bytes.writeUInt32BE((content.length | (isLast ? lastBit : 0)) >>> 0);
  return bytes;
}

const headerHash = (head: Buffer): Buffer => createHash('sha256').update(head).digest();

const plainTag = (parts: readonly Buffer[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest().subarray(0, tagBytes);
};

interface FrameWriter {
  /** What stands before the first frame. */
  readonly head: Buffer;
  /** One after the other, in the order of the calls. */
  frame(content: Buffer, isLast: boolean): Buffer;
}

/** @param key of `header.encryption`; null where there is none */
export function frameWriter(header: BackupHeader, key: Buffer | null): FrameWriter {
  const head = Buffer.from(`${firstLine(format)}${JSON.stringify(header)}\n`);
  const bound = headerHash(head);
  let number = 0;
  return {
    head,
    frame(content, isLast) {
      const nonce = nonceOf(number, isLast);
      const length = lengthOf(content, isLast);
      number += 1;
      if (key === null)
        return Buffer.concat([length, content, plainTag([bound, nonce, length, content])]);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(Buffer.concat([bound, length]));
      const sealed = Buffer.concat([cipher.update(content), cipher.final()]);
      return Buffer.concat([length, sealed, cipher.getAuthTag()]);
    },
  };
}

interface Frame {
  readonly content: Buffer;
  readonly isLast: boolean;
}

/** Disposed of, it reads no further: what it is read from is let go. */
interface OpenBackup extends AsyncDisposable {
  readonly header: BackupHeader;
  /** Up to the last, and nothing behind it. @throws BackupRefused */
  readonly frames: AsyncIterable<Frame>;
}

/**
 * Reads the head, and then each frame once its tag is right.
 * @throws BackupRefused
 */
export async function openFrames(
  chunks: AsyncIterable<Uint8Array>,
  unlock: Unlock,
): Promise<OpenBackup> {
  const bytes = byteReader(chunks);
  try {
    return await openedFrames(bytes, unlock);
  } catch (error) {
    await bytes.close();
    throw error;
  }
}

type Bytes = ReturnType<typeof byteReader>;

async function openedFrames(bytes: Bytes, unlock: Unlock): Promise<OpenBackup> {
  const first = await bytes.line(backupHeaderBytesMax);
  const version = /^gatebook-backup ([1-9]\d{0,8})\n$/.exec(first?.toString('latin1') ?? '')?.[1];
  if (first === undefined || version === undefined)
    throw new BackupRefused('foreign', 'it is no backup of Gatebook');
  if (Number(version) !== format)
    throw new BackupRefused(
      'newer',
      `it was written by a newer Gatebook (format ${version}, this one knows ${format}): use that one`,
    );
  const second = await bytes.line(backupHeaderBytesMax);
  if (second === undefined) throw bytes.hasEnded() ? cutOff() : damaged('its header has no end');
  const header = headerIn(second);
  const key = await unlock(header.encryption);
  const frames = framesIn(bytes, headerHash(Buffer.concat([first, second])), key);
  return { header, frames, [Symbol.asyncDispose]: bytes.close };
}

function headerIn(line: Buffer): BackupHeader {
  try {
    return BackupHeader.parse(JSON.parse(line.toString()));
  } catch {
    throw damaged('its header cannot be read');
  }
}

const cutOff = () =>
  new BackupRefused('cut', 'it is cut off: its end is missing, as where a transfer broke off');

async function* framesIn(
  bytes: Bytes,
  bound: Buffer,
  key: Buffer | null,
): AsyncGenerator<Frame, void, void> {
  for (let number = 0; ; number++) {
    const length = await bytes.take(lengthBytes);
    if (length === undefined) throw cutOff();
    const word = length.readUInt32BE();
    const isLast = word >= lastBit;
    const size = isLast ? word - lastBit : word;
    if (size > backupFrameBytesMax) throw damaged(`frame ${number} has an impossible length`);
    const sealed = await bytes.take(size);
    const tag = await bytes.take(tagBytes);
    if (sealed === undefined || tag === undefined) throw cutOff();
    const nonce = nonceOf(number, isLast);
    const content = opened({ sealed, tag, nonce, length, bound, key });
    if (content === undefined) throw damaged(`frame ${number} is not what was written`);
    if (isLast && !(await bytes.isAtEnd())) throw damaged('something stands behind its end');
    yield { content, isLast };
    if (isLast) return;
  }
}

/** Undefined: the tag is not right. */
function opened(frame: {
  readonly sealed: Buffer;
  readonly tag: Buffer;
  readonly nonce: Buffer;
  readonly length: Buffer;
  readonly bound: Buffer;
  readonly key: Buffer | null;
}): Buffer | undefined {
  const { sealed, tag, nonce, length, bound, key } = frame;
  if (key === null)
    return plainTag([bound, nonce, length, sealed]).equals(tag) ? sealed : undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.concat([bound, length]));
  decipher.setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(sealed), decipher.final()]);
  } catch {
    return undefined;
  }
}
