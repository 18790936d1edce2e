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

test('what is said takes the place of the progress', () => {
  const tty = output(80);
  const terminal = terminalOf(tty, tty, true);
  terminal.progress('');
  terminal.progress('half');
  terminal.line('Made role press.');
  terminal.error('Not done.');
  assert.is(tty.text(), '\r\x1b[Khalf\r\x1b[KMade role press.\nNot done.\n');
});

test('a redraw takes the place of the one before', () => {
  const stdout = output(80);
  const terminal = terminalOf(stdout, output(null), true);
  terminal.redraw(['NAME'], [['a'], ['b']], '2 pending.');
  terminal.redraw(['NAME'], [], 'No pending requests.');
  assert.is(stdout.text(), 'NAME\na\nb\n2 pending.\n\x1b[4A\x1b[JNo pending requests.\n');
});

test('a redraw that fills the screen leaves its header on it', () => {
  const stdout = output(80);
  const terminal = terminalOf({ ...stdout, rows: 10 }, output(null), true);
  const rows = Array.from({ length: 40 }, (_, at) => [`press-${at}`]);
  terminal.redraw(['NAME'], rows, '40 pending.');
  // The cursor stands on a line of its own below them.
  const lines = stdout.text().split('\n');
  assert.is(lines.length, 10);
  assert.equal([lines[0], lines.at(-3), lines.at(-2)], ['NAME', '… 34 more', '40 pending.']);
});

test('a column is not cut below what it has to show', () => {
  const head = [{ text: 'KIND', least: 9 }, 'WANTS', 'SAYS'];
  const lines = tableLines(head, [['contested (somebody)', 'w'.repeat(60), 's'.repeat(60)]], 40);
  const [, row = []] = lines.map((line) => line.join(''));
  assert.match(String(row), /^contested/);
  assert.ok(String(row).length <= 40);
  const narrow = tableLines(head, [['contested', 'w'.repeat(60), 's'.repeat(60)]], 20);
  assert.match(String(narrow[1]?.join('')), /^contested {2}ww…/);
});

test.run();
