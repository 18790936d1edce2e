/** Turns what is right into what is wrong, in every way that parsers trip over; by chance that can be repeated. */
import type { Chance } from '../trials/random.ts';

const interesting = [
  ...[
    '\0',
    '\r\n',
    '\r\n\r\n',
    '\n',
    '%00',
    '%2e%2e%2f',
    '../',
    '//',
    '\u202e',
    '\u{1f600}',
    '\ud800',
  ],
  ...['"', "'", '\\', '{', '}', '[', ']', ',', ':', ';', '<script>', '=1+1', '\x1b[31m', '{{7*7}}'],
  ...['-1', '0', '1e999', '9007199254740993', 'NaN', 'null', 'true', '__proto__', 'constructor'],
  ...['Transfer-Encoding: chunked\r\n', 'Content-Length: 5\r\n', 'Expect: 100-continue\r\n'],
] as const;

/** Some bytes changed, taken away, doubled or put between. */
export function mutatedBytes(chance: Chance, bytes: Buffer): Buffer {
  let now = bytes;
  for (let count = 1 + chance.below(4); count > 0; count--) {
    const [at, length] = [chance.below(now.length + 1), 1 + chance.below(16)];
    const [before, after] = [now.subarray(0, at), now.subarray(at)];
    switch (chance.below(5)) {
      case 0:
        now = Buffer.concat([before, Buffer.from([chance.below(256)]), after.subarray(1)]);
        break;
      case 1:
        now = Buffer.concat([before, after.subarray(length)]);
        break;
      case 2:
        now = Buffer.concat([before, after.subarray(0, length), after]);
        break;
      case 3:
        now = Buffer.concat([before, Buffer.from(chance.pick(interesting)), after]);
        break;
      default:
        now = Buffer.concat([before, Buffer.from([chance.below(256), chance.below(256)]), after]);
    }
  }
  return now;
}

const odd: readonly ((chance: Chance) => unknown)[] = [
  () => null,
  () => [],
  () => ({}),
  () => '',
  () => -1,
  () => 1e308,
  () => true,
  (chance) => chance.pick(interesting),
  (chance) => 'x'.repeat(chance.pick([127, 129, 1_001, 70_000])),
  (chance) => JSON.parse('['.repeat(500) + ']'.repeat(500)) && [[[[chance.next()]]]],
  () => ({ ['__proto__']: { admin: true }, constructor: 1 }),
  () => new Date(8.64e15).toISOString(),
];

/** One value within, or the whole, exchanged; a key that nobody knows, or one less. */
export function mutatedJson(chance: Chance, value: unknown): unknown {
  if (chance.is(0.2) || typeof value !== 'object' || value === null)
    return chance.pick(odd)(chance);
  if (Array.isArray(value))
    return value.length === 0
      ? [chance.pick(odd)(chance)]
      : value.map((one) => mutatedJson(chance, one));
  const entries = Object.entries(value);
  if (entries.length === 0 || chance.is(0.15))
    return { ...value, [chance.pick(interesting)]: chance.pick(odd)(chance) };
  const [key] = chance.pick(entries);
  if (chance.is(0.15)) return Object.fromEntries(entries.filter(([name]) => name !== key));
  return { ...value, [key]: mutatedJson(chance, (value as Record<string, unknown>)[key]) };
}
