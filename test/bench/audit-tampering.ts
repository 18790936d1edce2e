/** What a start, an export and `verify` say of a log file that somebody laid hands on. */
import { createReadStream, existsSync } from 'node:fs';
import { cp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { gatebook, ran, type Service, serving } from './processes.ts';

interface Given {
  readonly folder: string;
  /** With the log as it was made. */
  readonly dataDir: string;
  /** Its export, from before. */
  readonly log: string;
  readonly key: string;
  readonly checkpoints: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly say: (what: string, value: string) => void;
}

interface Tampering {
  readonly what: string;
  /** `gatebook rebuild` makes the read models anew from the log, as a new node would. */
  readonly rebuilt?: true;
  readonly by: (file: string, victim: Victim) => Promise<void> | void;
}

interface Victim {
  readonly place: number;
  readonly eventId: string;
  readonly size: number;
}

const readBytes = 1 << 20;
const longestRow = 2_048;
const named = '"username":"press-';

/** The first event behind the middle that has a username. SQLite counts places from 1, exports lines from 0. */
async function victimIn(log: string): Promise<Victim> {
  const lines = createInterface({ input: createReadStream(log) });
  const ids: (string | null)[] = [];
  for await (const line of lines)
    ids.push(line.includes(named) ? (/"eventId":"([^"]+)"/.exec(line)?.[1] ?? null) : null);
  const size = ids.length;
  const at = ids.findIndex((id, index) => index > size / 2 && id !== null);
  return { place: at + 1, eventId: ids[at] ?? '', size };
}

/** Offset of a text in a file, from a place on. */
async function offsetOf(file: string, text: string, from = 0): Promise<number> {
  await using handle = await open(file, 'r');
  const buffer = Buffer.alloc(readBytes + text.length);
  for (let begin = from; ; begin += readBytes) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, begin);
    if (bytesRead === 0) throw new Error(`${text} is not in ${file}`);
    const at = buffer.subarray(0, bytesRead).indexOf(text);
    if (at >= 0) return begin + at;
  }
}

async function flip(file: string, offset: number, bit: number): Promise<void> {
  await using handle = await open(file, 'r+');
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, offset);
  await handle.write(Buffer.of((byte[0] ?? 0) ^ bit), 0, 1, offset);
}

/** Where the event's row is in the file; its id stands in an index, too. */
async function rowOf(file: string, { eventId }: Victim): Promise<{ id: number; name: number }> {
  for (let from = 0; ; ) {
    const id = await offsetOf(file, eventId, from);
    const name = await offsetOf(file, named, id);
    if (name - id < longestRow) return { id, name };
    from = id + 1;
  }
}

/** One bit of a letter of the event's JSON, in the file itself: `"username":"press-…` becomes `"qress-…`. */
async function flipInJson(file: string, victim: Victim): Promise<void> {
  const { name } = await rowOf(file, victim);
  await flip(file, name + '"username":"'.length, 1);
}

/** The byte that says what kind of page the event stands on. */
async function flipInPage(file: string, victim: Victim): Promise<void> {
  const { id: offset } = await rowOf(file, victim);
  const database = new DatabaseSync(file, { readOnly: true });
  const pageBytes = Number(Object.values(database.prepare('PRAGMA page_size').get() ?? {})[0]);
  database.close();
  await flip(file, Math.floor(offset / pageBytes) * pageBytes, 1);
}

const sql =
  (statements: (victim: Victim) => string): Tampering['by'] =>
  (file, victim) => {
    const database = new DatabaseSync(file);
    database.exec(statements(victim));
    database.close();
  };

const all: readonly Tampering[] = [
  { what: 'one bit of an event in the file', by: flipInJson },
  { what: 'the same, read models made anew', by: flipInJson, rebuilt: true },
  { what: 'one bit of a page header in the file', by: flipInPage },
  { what: 'the same, read models made anew', by: flipInPage, rebuilt: true },
  { what: 'an event deleted', by: sql(({ place }) => `DELETE FROM events WHERE place = ${place}`) },
  {
    what: 'the same, read models made anew',
    by: sql(({ place }) => `DELETE FROM events WHERE place = ${place}`),
    rebuilt: true,
  },
  {
    what: 'two events swapped',
    by: sql(
      ({ place }) => `UPDATE events SET place = -1 WHERE place = ${place};
        UPDATE events SET place = ${place} WHERE place = ${place + 1};
        UPDATE events SET place = ${place + 1} WHERE place = -1`,
    ),
  },
  {
    what: 'the last ten events cut off',
    by: sql(({ size }) => `DELETE FROM events WHERE place > ${size - 10}`),
  },
];

export async function tamperings(given: Given): Promise<void> {
  const victim = await victimIn(given.log);
  for (const one of all) await tampered(given, victim, one);
}

const indented = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `  | ${line}`)
    .join('\n');

/** Each thing that was said once, and how often. */
function told(lines: Service['lines']): string {
  const counts = new Map<string, number>();
  for (const { level, msg, error } of lines) {
    if (level !== 'warn' && level !== 'error') continue;
    const text = `${level}: ${msg}${error === undefined ? '' : ` (${error.message})`}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts]
    .map(([text, count]) => (count > 1 ? `${text} (${count} times)` : text))
    .join('\n');
}

async function tampered(given: Given, victim: Victim, { what, by, rebuilt }: Tampering) {
  const { folder, dataDir, log, key, checkpoints, environment, say } = given;
  const [copy, bad] = [join(folder, 'tampered'), join(folder, 'tampered.ndjson')];
  await rm(copy, { recursive: true, force: true });
  await rm(bad, { force: true });
  await cp(dataDir, copy, { recursive: true });
  await by(join(copy, 'log.sqlite'), victim);
  console.log('');
  say(`${what} (event ${victim.place - 1})`, '');
  const command = async (name: string, args: readonly string[], more = {}) => {
    const { code, stdout, stderr } = await ran(gatebook, args, {
      GATEBOOK_DATA_DIR: copy,
      ...more,
    });
    say(`  ${name}`, `exit ${code}`);
    console.log(indented(stdout + stderr));
    return code;
  };
  if (!rebuilt || (await command('the rebuild', ['rebuild'])) === 0) {
    const service = await serving(copy, {});
    try {
      say('  the start', `ready after ${service.startSeconds.toFixed(1)} s`);
      const url = { ...environment, GATEBOOK_URL: service.url };
      await command('the export', ['export', '--out', bad], url);
      await command('the checkpoint', ['checkpoint'], url);
      const ready = await fetch(`${service.url}/readyz`);
      say('  /readyz', `${ready.status} ${await ready.text()}`);
    } finally {
      await service.stop();
    }
    say('  the log of the service', '');
    console.log(indented(told(service.lines)));
  }
  if (existsSync(bad)) {
    const verify = ['verify', bad, '--checkpoint', checkpoints, '--key', key];
    await command('verify', verify);
    await command('verify --trusted', [...verify, '--trusted', log]);
  }
  await rm(copy, { recursive: true, force: true });
}
