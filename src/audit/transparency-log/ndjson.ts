/** The lines of an export file, one after another, in constant memory. */
import { createReadStream } from 'node:fs';
import { exportLineBytesMax } from '../../limits/audit.ts';

export interface Line {
  readonly bytes: Buffer;
  /** False: the file ends in the middle of it. */
  readonly isWhole: boolean;
}

export class LineTooLong extends Error {
  override name = 'LineTooLong';
}

const newline = 0x0a;

/** @throws LineTooLong, and what the system says of the file */
export async function* linesOf(file: string): AsyncGenerator<Line, void, void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) {
    const bytes: Buffer =
      rest.length > 0 ? Buffer.concat([rest, chunk as Buffer]) : (chunk as Buffer);
    let begin = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, begin)) {
      yield { bytes: bytes.subarray(begin, end), isWhole: true };
      begin = end + 1;
    }
    rest = bytes.subarray(begin);
    if (rest.length > exportLineBytesMax)
      throw new LineTooLong(`a line is longer than ${exportLineBytesMax} bytes: this is no export`);
  }
  if (rest.length > 0) yield { bytes: rest, isWhole: false };
}
