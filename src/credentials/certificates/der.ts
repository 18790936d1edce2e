/** DER (X.690): read as strictly as it is defined, since what has two encodings would have two fingerprints, and written. */
import { derDepthMax } from '../../limits/credentials.ts';

/** What no DER is. */
export class DerFault extends Error {
  override name = 'DerFault';
}

export interface DerValue {
  /** The identifier octet. */
  readonly tag: number;
  readonly content: Buffer;
  /** With identifier and length. */
  readonly whole: Buffer;
}

export const tags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  attributes: 0xa0,
} as const;

const isConstructed = (tag: number): boolean => (tag & 0x20) !== 0;

/** The one value that begins at `at`; its length is definite and in the fewest octets (X.690, 10.1). */
function valueAt(bytes: Buffer, at: number): DerValue {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined) throw new DerFault('is cut off');
  if ((tag & 0x1f) === 0x1f) throw new DerFault('has a tag of several octets');
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const octets = first - 0x80;
    if (octets === 0) throw new DerFault('has an indefinite length');
    if (octets > 3) throw new DerFault('has a length beyond all bounds');
    if (start + octets > bytes.length) throw new DerFault('is cut off');
    length = bytes.readUIntBE(start, octets);
    start += octets;
    const fewest = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
    if (octets !== fewest) throw new DerFault('has a length in more octets than it needs');
  }
  const end = start + length;
  if (end > bytes.length) throw new DerFault('is cut off, or has a wrong length');
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) };
}

/** Values that stand one after the other and fill `bytes`. */
function valuesIn(bytes: Buffer): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const value = valueAt(bytes, at);
    values.push(value);
    at += value.whole.length;
  }
  return values;
}

/** What is in a constructed value that has this tag. @throws DerFault */
export function partsOf(value: DerValue | undefined, tag: number): DerValue[] {
  if (value?.tag !== tag) throw new DerFault('is not built as it should be');
  return valuesIn(value.content);
}

function checkDepth(value: DerValue, left: number): void {
  if (!isConstructed(value.tag)) return;
  if (left === 0) throw new DerFault('is nested too deep');
  for (const part of valuesIn(value.content)) checkDepth(part, left - 1);
}

/** The one value that `bytes` is, well-formed in all its depth. @throws DerFault */
export function readDer(bytes: Buffer): DerValue {
  const value = valueAt(bytes, 0);
  if (value.whole.length !== bytes.length) throw new DerFault('has something behind its end');
  checkDepth(value, derDepthMax);
  return value;
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const octets = length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
  const bytes = Buffer.alloc(1 + octets);
  bytes[0] = 0x80 + octets;
  bytes.writeUIntBE(length, 1, octets);
  return bytes;
}

/** A value of these contents, which are taken as they are. */
export function derOf(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([tag]), lengthOf(length), ...parts]);
}
