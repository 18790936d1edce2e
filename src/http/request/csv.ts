/** Reads a CSV file that somebody sent (RFC 4180): strictly UTF-8, record by record, each with its line. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { malformed } from '../response/problem.ts';

export interface CsvRecord {
  /** Where it begins in the file, from 1 on. */
  readonly line: number;
  readonly fields: readonly string[];
}

/** Bytes that are parsed in one turn of the event loop. */
const sliceBytes = 32 * 1024;

export const wrongFile = (detail: string) => malformed([{ pointer: '#', detail }]);

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws Problem `request-malformed` */
function requireUtf8(bytes: Buffer, charset: string | undefined): void {
  const remedy = 'save it as UTF-8 (in a spreadsheet: "CSV UTF-8").';
  if (charset !== undefined && !/^utf-?8$/i.test(charset))
    throw wrongFile(`The file is sent as ${charset.slice(0, 32)}: ${remedy}`);
  if (/^(fffe|feff)/.test(bytes.toString('hex', 0, 2)))
    throw wrongFile(`The file is UTF-16: ${remedy}`);
  try {
    utf8.decode(bytes);
  } catch {
    throw wrongFile(`The file is not UTF-8: ${remedy}`);
  }
}

/** Others have their turn between two of them. */
function* slicesOf(bytes: Buffer): Generator<Buffer, void, void> {
  for (let at = 0; at < bytes.length; at += sliceBytes) yield bytes.subarray(at, at + sliceBytes);
}

const wordsOf = ({ code, lines }: CsvError & { readonly lines?: number }): string => {
  const where = lines === undefined ? '' : `Line ${lines}: `;
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return `${where}a quote (") is opened and never closed.`;
    case 'CSV_MAX_RECORD_SIZE':
      return `${where}it is longer than a line may be: is a quote (") not closed?`;
    default:
      return `${where}a quote (") stands where none may: double it inside a quoted field.`;
  }
};

/**
 * The records of a file, without empty lines; a byte order mark, CRLF and quoted fields are read as people's
 * programs write them.
 * @param charset of the `Content-Type`, where it names one
 * @throws Problem `request-malformed` for what is no CSV in UTF-8
 */
export async function* csvRecords(
  bytes: Buffer,
  charset: string | undefined,
  recordBytesMax: number,
): AsyncGenerator<CsvRecord, void, void> {
  requireUtf8(bytes, charset);
  const parser = parse({
    ...{ bom: true, info: true, relax_column_count: true },
    // Spreadsheets leave lines with nothing but commas below a table.
    skip_records_with_empty_values: true,
    skip_empty_lines: true,
    max_record_size: recordBytesMax,
  });
  const fed = pipeline(Readable.from(slicesOf(bytes), { objectMode: true }), parser);
  fed.catch(() => undefined);
  // The parser counts a line's end within quotes twice where it is CRLF.
  let countedTwice = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      const text = record.join('\0');
      countedTwice += text.split('\r\n').length - 1;
      const within = text.split(/\r\n|\r|\n/).length - 1;
      yield { line: info.lines - countedTwice - within, fields: record };
    }
  } catch (error) {
    throw error instanceof CsvError ? wrongFile(wordsOf(error)) : error;
  } finally {
    parser.destroy();
  }
}
