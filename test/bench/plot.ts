/** How costs grow with the number of clients, drawn as SVG: both axes logarithmic. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { measuredActs } from './lines/growth.ts';
import type { Row } from './table.ts';

const [width, height, margin] = [640, 360, 56];
const colours = ['#0b6e4f', '#b3541e', '#2b59c3', '#7a306c'];

interface Point {
  readonly x: number;
  readonly y: number;
}

const pointsOf = ({ figures = {} }: Row, act: string): Point[] =>
  Object.entries(figures)
    .flatMap(([name, y]) => {
      const [, clients] = new RegExp(`^${act}Ms(\\d+)$`).exec(name) ?? [];
      return clients === undefined ? [] : [{ x: Number(clients), y }];
    })
    .sort((a, b) => a.x - b.x);

function drawn(row: Row): string {
  const series = measuredActs.map((act) => ({ act, points: pointsOf(row, act) }));
  const points = series.flatMap((one) => one.points);
  const powers = (values: readonly number[]) => ({
    least: Math.floor(Math.log10(Math.min(...values))),
    most: Math.max(
      Math.ceil(Math.log10(Math.max(...values))),
      Math.floor(Math.log10(Math.min(...values))) + 1,
    ),
  });
  const [xs, ys] = [powers(points.map(({ x }) => x)), powers(points.map(({ y }) => y))];
  const along = (value: number, { least, most }: typeof xs) =>
    (Math.log10(value) - least) / (most - least);
  const xOf = (value: number) => Math.round(margin + along(value, xs) * (width - 2 * margin));
  const yOf = (value: number) =>
    Math.round(height - margin - along(value, ys) * (height - 2 * margin));
  const ticks = ({ least, most }: typeof xs) =>
    Array.from({ length: most - least + 1 }, (_, index) => 10 ** (least + index));
  const text = (x: number, y: number, content: string, more = '') =>
    `<text x="${x}" y="${y}"${more}>${content}</text>`;
  const middle = ' text-anchor="middle"';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...ticks(xs).map((x) => text(xOf(x), height - margin + 18, x.toLocaleString('en'), middle)),
    ...ticks(ys).flatMap((y) => [
      `<path d="M${margin} ${yOf(y)}H${width - margin}" stroke="#ddd"/>`,
      text(margin - 6, yOf(y) + 4, `${Number(y.toPrecision(1))}`, ' text-anchor="end"'),
    ]),
    text(width / 2, height - 10, 'clients', middle),
    text(margin, 24, 'ms for one, median, one after the other'),
    ...series.flatMap(({ act, points: own }, index) => {
      const path = own.map(({ x, y }) => `${xOf(x)} ${yOf(y)}`).join('L');
      const last = own.at(-1);
      const colour = colours[index] ?? '#000';
      return [
        `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        ...(last === undefined
          ? []
          : [text(xOf(last.x) - 4, yOf(last.y) - 6, act, ` text-anchor="end" fill="${colour}"`)]),
      ];
    }),
    '</svg>\n',
  ].join('\n');
}

/** Draws `growth.svg` in the folder, where that line was measured. */
export async function plotGrowth(rows: readonly Row[], folder: string): Promise<void> {
  const row = rows.find(({ line }) => line === 'growth');
  if (row === undefined) return;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'growth.svg'), drawn(row));
}
