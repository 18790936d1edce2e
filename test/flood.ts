/** `npm run flood [SECONDS]`: whether people can sign in while one /48 guesses slow passwords from 600 of its /64s. */
import { setTimeout as sleep } from 'node:timers/promises';
import { newFolder, removeFolder, type Served, serve } from './support/process.ts';

const seconds = Number(process.argv[2] ?? 20);
const perSecond = 90;
const sources = 600;
const administrators = 15;
/** A sign-in that takes longer takes too long: 2 s of waiting for its hash, and what it takes itself. */
const patienceMs = 3_000;
const headStartMs = 1_000;

const guesser = (at: number) => `2001:db8:7:${(at % sources).toString(16)}::1`;
const password = 'a password of eleven words, typed by hand';

interface Flood {
  readonly title: string;
  readonly path: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly username: (at: number) => string;
}
const unlimited = { GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0' };
const register = '/api/client-registry/register';
const floods: readonly Flood[] = [
  { title: 'made-up names at the door', path: register, username: (at) => `made-up-${at}` },
  {
    ...{ title: 'the same, no limit of attempts', path: register, environment: unlimited },
    username: (at) => `made-up-${at}`,
  },
  { title: 'the administrator at the door', path: register, username: () => 'admin' },
  { title: 'made-up names at the login', path: '/api/login', username: (at) => `made-up-${at}` },
  {
    ...{ title: 'the same, no limit of attempts', path: '/api/login', environment: unlimited },
    username: (at) => `made-up-${at}`,
  },
];

async function post({ url }: Served, path: string, source: string, body: object) {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': source },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response.status;
}

const adminName = (at: number) => `admin-${at}`;

/** Makes the administrators, and ends: the next start remembers no password, and has to hash each. */
async function prepare(dataDir: string): Promise<void> {
  const served = await serve(dataDir);
  const token = await served.signIn();
  for (let at = 0; at < administrators; at++) {
    const body = { username: adminName(at), password, roles: ['administrator'] };
    const { status } = await served.call('POST', '/api/users', { token, body });
    if (status !== 201) throw new Error(`no administrator was made: ${status}`);
  }
  await ends(served);
}

async function ends(served: Served): Promise<void> {
  served.kill('SIGTERM');
  await served.ended;
}

/** Each administrator signs in once, from a network of their own, spread over the time. */
async function signIns(served: Served) {
  const outcomes: { status: number; ms: number }[] = [];
  const running: Promise<void>[] = [];
  for (let at = 0; at < administrators; at++) {
    const startedMs = performance.now();
    const source = `2001:db8:${(1_000 + at).toString(16)}:1::1`;
    running.push(
      post(served, '/api/login', source, { username: adminName(at), password }).then((status) => {
        outcomes.push({ status, ms: performance.now() - startedMs });
      }),
    );
    await sleep((seconds * 1_000) / administrators);
  }
  await Promise.all(running);
  return outcomes;
}

/** Guesses from one source of the network after the other, until the signal. @returns how many had which answer */
async function guess(served: Served, flood: Flood, signal: AbortSignal) {
  const answers = new Map<number, number>();
  const guesses: Promise<void>[] = [];
  const beganMs = performance.now();
  for (let at = 0; !signal.aborted; at++) {
    const body = { username: flood.username(at), password: `a slow guess ${at}` };
    guesses.push(
      post(served, flood.path, guesser(at), body).then((status) => {
        answers.set(status, (answers.get(status) ?? 0) + 1);
      }),
    );
    await sleep(Math.max(0, beganMs + ((at + 1) * 1_000) / perSecond - performance.now()));
  }
  await Promise.all(guesses);
  return answers;
}

/** Whether every administrator got in, and in time. */
async function holds(title: string, flood: Flood | null): Promise<boolean> {
  const dataDir = await newFolder();
  await prepare(dataDir);
  const served = await serve(dataDir, {
    GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32',
    ...flood?.environment,
  });
  try {
    const over = new AbortController();
    const guessing = flood === null ? new Map() : guess(served, flood, over.signal);
    await sleep(headStartMs);
    const outcomes = await signIns(served);
    over.abort();
    const answers = [...(await guessing)].map(([status, count]) => `${count} × ${status}`);
    const times = outcomes.map(({ ms }) => Math.round(ms)).sort((a, b) => a - b);
    const good = outcomes.filter(({ status }) => status === 200).length;
    console.log(
      `${title}: ${good} of ${outcomes.length} signed in, median ${times[times.length >> 1]} ms, ` +
        `longest ${times.at(-1)} ms; guesses: ${answers.join(', ') || 'none'}`,
    );
    return good === administrators && (times.at(-1) ?? Number.NaN) <= patienceMs;
  } finally {
    await ends(served);
    await removeFolder(dataDir);
  }
}

let isFine = await holds('nobody guesses', null);
for (const flood of floods) isFine = (await holds(flood.title, flood)) && isFine;
console.log(isFine ? 'Everybody got in.' : 'Somebody was kept out, or waited too long.');
process.exitCode = isFine ? 0 : 1;
