/**
 * Measures Gatebook beside the bare parts it is made of, in turn in one run: a ratio says more than a figure
 * of a noisy machine. `npm run bench` prints one table; `npm run bench -- NAME…` measures single lines.
 *
 * `--quick`: fewer rounds, smaller. `--against DIR`: the same lines of another checkout in turn, as "before".
 * `--json FILE`: the rows as JSON. `--plots FOLDER`: how costs grow, as SVG. `--list`: the names.
 */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { removeCopies, removeFolders } from './folders.ts';
import type { Context } from './line.ts';
import { lines } from './lines.ts';
import { plotGrowth } from './plot.ts';
import { here } from './served.ts';
import { printHeading, printRows, type Row, rowsOf } from './table.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    against: { type: 'string' },
    json: { type: 'string' },
    plots: { type: 'string' },
  },
});
const unknown = positionals.filter((name) => !lines.some((line) => line.name === name));
if (values.list || unknown.length > 0) {
  for (const { name, title } of lines) console.log(`${name.padEnd(20)}${title}`);
  if (unknown.length > 0) console.error(`No such line: ${unknown.join(', ')}`);
  process.exit(unknown.length > 0 ? 2 : 0);
}
const context: Omit<Context, 'atEnd'> = {
  quick: values.quick,
  checkouts: [
    here,
    ...(values.against === undefined ? [] : [{ name: 'before', dir: resolve(values.against) }]),
  ],
  note: (text) => console.error(text),
};
const wanted = lines.filter(({ name, onlyNamed }) =>
  positionals.length > 0 ? positionals.includes(name) : onlyNamed !== true,
);
const all: Row[] = [];
let failed = false;
printHeading();
for (const line of wanted)
  try {
    const rows = await rowsOf(line, context);
    printRows(rows);
    all.push(...rows);
  } catch (error) {
    failed = true;
    console.error(`${line.name}:`, error);
  } finally {
    await removeCopies();
  }
await removeFolders();
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(all, null, 2)}\n`);
if (values.plots !== undefined) await plotGrowth(all, values.plots);
process.exit(failed ? 1 : 0);
