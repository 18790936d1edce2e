import fc from 'fast-check';
import {
  cut,
  type Output,
  type Piece,
  tableLines,
  terminalOf,
} from '../../../../src/cli/terminal/terminal.ts';
import { printable, printableJson } from '../../../../src/platform/printable.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('cli terminal');

const textOf = (line: Piece[]) =>
  line.map((piece) => (typeof piece === 'string' ? piece : piece.text)).join('');

/** A stream that keeps what is written, as a terminal of that width or as a pipe. */
function output(columns: number | null): Output & { text(): string } {
  let written = '';
  return {
    write: (text) => {
      written += text;
    },
    text: () => written,
    isTTY: columns !== null,
    ...(columns !== null && { columns, rows: 24 }),
  };
}

const rows: Piece[][] = [
  ['press-17', 'a1b 2c3', 'roles: press'],
  ['a', '–', 'a very long wish that does not fit a narrow terminal'],
];

test('a table has a header, no borders, and columns as wide as needed', () => {
  assert.equal(tableLines(['NAME', 'PAIRING', 'WANTS'], rows, null).map(textOf), [
    'NAME      PAIRING  WANTS',
    'press-17  a1b 2c3  roles: press',
    'a         –        a very long wish that does not fit a narrow terminal',
  ]);
});

test('on a terminal the widest column is cut', () => {
  assert.equal(tableLines(['NAME', 'PAIRING', 'WANTS'], rows, 40).map(textOf), [
    'NAME      PAIRING  WANTS',
    'press-17  a1b 2c3  roles: press',
    'a         –        a very long wish tha…',
  ]);
});

test('a table is never wider than the terminal, whatever it shows', () => {
  const cell = fc.string({ unit: 'grapheme', maxLength: 60 });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell, cell), { maxLength: 5 }), (cells) => {
      for (const line of tableLines(['A', 'B', 'C'], cells, 30))
        assert.ok(cut(textOf(line), 30) === textOf(line), textOf(line));
    }),
  );
});

test('wide characters take two columns', () => {
  assert.is(cut('日本語', 5), '日本…');
  assert.is(cut('日本語', 6), '日本語');
  assert.is(cut('abcdef', 4), 'abc…');
});

test('text from outside is shown and never obeyed', () => {
  const [stdout, stderr] = [output(80), output(80)];
  const terminal = terminalOf(stdout, stderr, true);
  const hostile = '\x1b]0;owned\x07\x1b[2J\u009b31m\u202egnp\u200b\r\n\x7f';
  terminal.line('name ', hostile, { text: hostile, style: 'bad' });
  terminal.table(['A'], [[hostile]]);
  terminal.error(hostile);
  terminal.json(JSON.stringify({ hostile }));
  for (const text of [stdout.text(), stderr.text()])
    assert.not.match(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  assert.is(printable('a\x1b\n\u202e'), 'a\\x1b\\n\\u{202e}');
});

test('JSON made printable is the same JSON', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = printableJson(JSON.stringify({ text }));
      assert.equal(JSON.parse(shown), { text });
      assert.not.match(shown, /[\p{Cc}\p{Cf}]/u);
    }),
  );
});

test('colour is for terminals, and NO_COLOR is obeyed', () => {
  const said = (columns: number | null, noColor: boolean) => {
    const stdout = output(columns);
    terminalOf(stdout, output(null), noColor).line({ text: 'Granted', style: 'good' });
    return stdout.text();
  };
  assert.is(said(80, false), '\x1b[32mGranted\x1b[0m\n');
  assert.is(said(80, true), 'Granted\n');
  assert.is(said(null, false), 'Granted\n');
});

test('progress is shown on a terminal alone', () => {
  const [pipe, tty] = [output(null), output(20)];
  terminalOf(pipe, pipe, true).progress('half');
  assert.is(pipe.text(), '');
  terminalOf(tty, tty, true).progress('half of all that there is');
  assert.is(tty.text(), '\r\x1b[Khalf of all that th…');
});

test('a redraw takes the place of the one before', () => {
  const stdout = output(80);
  const terminal = terminalOf(stdout, output(null), true);
  terminal.redraw(['NAME'], [['a'], ['b']], '2 pending.');
  terminal.redraw(['NAME'], [], 'No pending requests.');
  assert.is(stdout.text(), 'NAME\na\nb\n2 pending.\n\x1b[4A\x1b[JNo pending requests.\n');
});

test.run();
