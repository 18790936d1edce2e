/**
 * Measures the audit on a log of so many events, made by the real service's commands:
 * `node test/bench/audit.ts 1000000 [FOLDER]`. Questions are asked over HTTP; service, export and verify
 * are processes of their own. A folder that is named is kept, and its log is measured again.
 */
import { existsSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adminPassword, type Made } from './audit-log.ts';
import { tamperings } from './audit-tampering.ts';
import { gatebook, ran, type Service, serving } from './processes.ts';

const rounds = 20;

const wanted = Number(process.argv[2] ?? 100_000);
const named = process.argv[3];
const folder = named ?? (await mkdtemp(join(tmpdir(), 'gatebook-audit-')));
const dataDir = join(folder, 'data');

const count = (value: number) => Math.round(value).toLocaleString('en');
const megabytes = (bytes: number) => `${count(bytes / 1024 / 1024)} MB`;
const say = (what: string, value: string) => console.log(`${what.padEnd(46)}${value}`);
const sizeOf = (name: string) => megabytes(statSync(join(dataDir, name)).size);

/** As the administrator, with a password for each call of the command line. */
const asAdministrator = {
  GATEBOOK_USERNAME: 'admin',
  GATEBOOK_PASSWORD: adminPassword,
};

async function theLog(): Promise<Made> {
  const noted = join(folder, 'made.json');
  if (!existsSync(noted)) {
    await mkdir(dataDir, { recursive: true });
    const { code, stdout, stderr, peakBytes } = await ran(
      join(import.meta.dirname, 'audit-log.ts'),
      [String(wanted), dataDir],
    );
    if (code !== 0) throw new Error(stderr);
    const made = JSON.parse(stdout) as Made;
    say(
      'made by commands',
      `${count(made.events)} events in ${made.seconds.toFixed(0)} s, ${count(made.events / made.seconds)}/s, peak ${megabytes(peakBytes)}`,
    );
    await writeFile(noted, stdout);
  }
  return JSON.parse(await readFile(noted, 'utf8')) as Made;
}

type Get = (path: string) => Promise<{ text: string; ms: number }>;

async function askingAt({ url }: Service): Promise<Get> {
  const login = await fetch(`${url}/api/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: adminPassword }),
  });
  const { token } = (await login.json()) as { token: string };
  return async (path) => {
    const startedMs = performance.now();
    const response = await fetch(url + path, { headers: { Authorization: `Bearer ${token}` } });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
    return { text, ms: performance.now() - startedMs };
  };
}

/** The same question many times: the first answer is from cold rows. */
async function timed(what: string, get: Get, path: string): Promise<string> {
  const first = await get(path);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push((await get(path)).ms);
  times.sort((a, b) => a - b);
  const [median = 0, most = 0] = [times[rounds / 2], times.at(-1)];
  say(
    what,
    `first ${first.ms.toFixed(1)} ms, then median ${median.toFixed(1)} ms, at most ${most.toFixed(1)} ms`,
  );
  return first.text;
}

const itemsIn = (text: string) => (JSON.parse(text) as { items: unknown[] }).items.length;

async function questions(get: Get, { half, username }: Made): Promise<void> {
  const at = `at=${encodeURIComponent(half)}`;
  const state = await timed(
    "a client's state at T",
    get,
    `/api/audit/state?${at}&username=${username}`,
  );
  say('  it was', (JSON.parse(state) as { status: string }).status);
  const whole = await timed('window and counts at T', get, `/api/audit/state?${at}`);
  say('  they were', JSON.stringify((JSON.parse(whole) as { counts: object }).counts));
  const access = '/api/audit/access';
  const one = await timed(
    "access to one's own topic at T",
    get,
    `${access}?${at}&topic=plant/${username}/state`,
  );
  const many = await timed(
    'access to a topic of many at T',
    get,
    `${access}?${at}&topic=hall/6/state`,
  );
  say('  rows', `${itemsIn(one)} and ${itemsIn(many)} (a page)`);
  await timed('what one client could do at T', get, `${access}?${at}&username=${username}`);
  await timed('explain one client', get, `/api/audit/explain/${username}`);
  await timed("a client's history", get, `/api/audit/events?username=${username}`);
  const size = Number((await get('/api/audit/checkpoint')).text.split('\n')[1]);
  const third = Math.floor(size / 3);
  const proofs = '/api/audit/proofs';
  await timed('inclusion proof', get, `${proofs}/inclusion?index=${third}&size=${size}`);
  await timed('consistency proof', get, `${proofs}/consistency?from=${third}&to=${size}`);
}

/** Rate and memory of a command, and what it said. */
async function rated(
  what: string,
  events: number,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<void> {
  const { seconds, peakBytes, code, stdout, stderr } = await ran(gatebook, args, environment);
  if (code !== 0) throw new Error(`${args.join(' ')}: ${code} ${stdout}${stderr}`);
  say(
    what,
    `${seconds.toFixed(1)} s, ${count(events / seconds)} events/s, peak memory ${megabytes(peakBytes)}`,
  );
  for (const line of stdout.trimEnd().split('\n')) console.log(`  | ${line}`);
}

try {
  const made = await theLog();
  const service = await serving(dataDir, {});
  const environment = { ...asAdministrator, GATEBOOK_URL: service.url };
  const [log, key, checkpoints] = ['log.ndjson', 'key.txt', 'checkpoints.txt'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  try {
    say('log, read models', `${sizeOf('log.sqlite')}, ${sizeOf('read-models.sqlite')}`);
    say(
      'start of the service',
      `${service.startSeconds.toFixed(1)} s, ${megabytes(service.resident())} in memory`,
    );
    const get = await askingAt(service);
    await questions(get, made);
    say('the service after the questions', `${megabytes(service.resident())} in memory`);
    await rm(log, { force: true });
    const { peakBytes } = await service.peakDuring(() =>
      rated('gatebook export', made.events, ['export', '--out', log], environment),
    );
    say('  the service meanwhile', `at most ${megabytes(peakBytes)} in memory`);
    say('  the file', megabytes(statSync(log).size));
    await writeFile(key, (await get('/.well-known/checkpoint-key')).text);
  } finally {
    await service.stop();
  }
  // Those that the service published while the log was made.
  await writeFile(checkpoints, await readFile(join(dataDir, 'checkpoints.txt')));
  const verify = ['verify', log, '--checkpoint', checkpoints, '--key', key];
  await rated('gatebook verify', made.events, verify);
  await rated('gatebook verify --trusted', made.events, [...verify, '--trusted', log]);
  await tamperings({ folder, dataDir, log, key, checkpoints, environment: asAdministrator, say });
} finally {
  if (named === undefined) await rm(folder, { recursive: true, force: true });
}
