/** Where the command line writes. Every text is made printable here, so that nothing from outside is obeyed. */
import { printable, printableJson } from '../../platform/printable.ts';

type Style = 'good' | 'bad' | 'warning' | 'faint' | 'strong' | 'whiteOnBlack';
/** A piece of a line; colour only says what the word says too. */
export type Piece = string | { readonly text: string; readonly style: Style };

const codes: Record<Style, string> = {
  good: '32',
  bad: '31',
  warning: '33',
  faint: '2',
  strong: '1',
  whiteOnBlack: '97;40',
};

/** The part of a stream that is used; `process.stdout` is one. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** The head of a column; `least`: the columns of the terminal that it is not cut below. */
export type Column = string | { readonly text: string; readonly least: number };

export interface Terminal {
  /** Whether a person is looking at stdout. */
  readonly isTerminal: boolean;
  /** Whether a person is looking at stderr. */
  readonly isErrorTerminal: boolean;
  /** Columns of the terminal; null: nothing is cut. */
  readonly columns: number | null;
  line(...pieces: readonly Piece[]): void;
  /** To stderr. */
  error(...pieces: readonly Piece[]): void;
  /** JSON text as it came, in one line. */
  json(text: string): void;
  errorJson(text: string): void;
  table(header: readonly Column[], rows: readonly (readonly Piece[])[]): void;
  /** Puts a table and lines in the place of the last ones; on a terminal only. */
  redraw(header: readonly Column[], rows: readonly (readonly Piece[])[], last: string): void;
  /** Replaces the last progress line on stderr; '' removes it. On a terminal only. */
  progress(text: string): void;
}

export function terminalOf(stdout: Output, stderr: Output, noColor: boolean): Terminal {
  const isTerminal = stdout.isTTY === true;
  const isErrorTerminal = stderr.isTTY === true;
  const styled = (piece: Piece, colour: boolean) => {
    const text = printable(textOf(piece));
    return colour && typeof piece !== 'string' ? `\x1b[${codes[piece.style]}m${text}\x1b[0m` : text;
  };
  const joined = (pieces: readonly Piece[], colour: boolean) =>
    `${pieces.map((piece) => styled(piece, colour)).join('')}\n`;
  const colour = isTerminal && !noColor;
  const errorColour = isErrorTerminal && !noColor;
  const width = () => (isTerminal ? (stdout.columns ?? 80) : null);
  let drawn = 0;

  let progressed = false;
  const progress = (text: string) => {
    if (!isErrorTerminal || (text === '' && !progressed)) return;
    stderr.write(`\r\x1b[K${cut(printable(text), stderr.columns ?? 80)}`);
    progressed = text !== '';
  };
  /** What is said stands on a line of its own, not behind the progress. */
  const say = (stream: Output, text: string) => {
    progress('');
    stream.write(text);
  };

  return {
    isTerminal,
    isErrorTerminal,
    get columns() {
      return width();
    },
    line: (...pieces) => say(stdout, joined(pieces, colour)),
    error: (...pieces) => say(stderr, joined(pieces, errorColour)),
    json: (text) => say(stdout, `${printableJson(text.trim())}\n`),
    errorJson: (text) => say(stderr, `${printableJson(text.trim())}\n`),
    table(header, rows) {
      for (const line of tableLines(header, rows, width())) say(stdout, joined(line, colour));
    },
    redraw(header, rows, last) {
      // Header, what is hidden, the last line, and the line that the cursor stands on.
      const room = Math.max(1, (stdout.rows ?? 24) - 4);
      const lines = tableLines(header, rows.slice(0, room), width());
      const hidden = rows.length > room ? [[`… ${rows.length - room} more`]] : [];
      const all = [...(rows.length > 0 ? lines : []), ...hidden, [cut(last, width())]];
      const back = drawn > 0 ? `\x1b[${drawn}A\x1b[J` : '';
      say(stdout, back + all.map((line) => joined(line, colour)).join(''));
      drawn = all.length;
    },
    progress,
  };
}

/** What is cut keeps as much. */
const cutMin = 3;

const textOf = (piece: Piece): string => (typeof piece === 'string' ? piece : piece.text);

/**
 * The lines of a table: a header, no borders, columns as wide as needed and two spaces apart. Where it
 * is wider than `width` columns, the widest cells are cut with `…`; null never cuts.
 */
export function tableLines(
  header: readonly Column[],
  rows: readonly (readonly Piece[])[],
  width: number | null,
): Piece[][] {
  const heads = header.map((column) => (typeof column === 'string' ? column : column.text));
  const least = header.map((column) => (typeof column === 'string' ? cutMin : column.least));
  const all: (readonly Piece[])[] = [heads, ...rows];
  const widths = header.map((_, column) =>
    Math.max(...all.map((row) => widthOf(printable(textOf(row[column] ?? ''))))),
  );
  const gap = 2;
  const total = () => widths.reduce((sum, one) => sum + one, gap * (widths.length - 1));
  while (width !== null && total() > width) {
    const spare = widths.map((one, column) => (one > (least[column] ?? cutMin) ? one : 0));
    const widest = spare.indexOf(Math.max(...spare));
    if (spare[widest] === 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return all.map((row) =>
    widths.flatMap((room, column) => {
      const piece = row[column] ?? '';
      const text = cut(printable(textOf(piece)), room);
      const isLast = column === widths.length - 1;
      const space = isLast ? '' : ' '.repeat(room - widthOf(text) + gap);
      return [typeof piece === 'string' ? text : { text, style: piece.style }, space];
    }),
  );
}

const wide =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
const graphemes = new Intl.Segmenter();
const widthOf = (text: string): number => {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1;
  return width;
};

/** The text in at most `room` columns, with `…` where something is missing. */
export function cut(text: string, room: number | null): string {
  if (room === null || widthOf(text) <= room) return text;
  let cutText = '';
  let width = 1;
  for (const { segment } of graphemes.segment(text)) {
    width += wide.test(segment) ? 2 : 1;
    if (width > room) break;
    cutText += segment;
  }
  return `${cutText}…`;
}
