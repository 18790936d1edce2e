/**
 * One address, a whole /48 and many networks guess passwords, at the doors and to sign in, of names that there are and of
 * names that there are not: few guesses at a name are judged, and everybody whose password is right gets in meanwhile. But
 * beside guesses from hundreds of networks a password that takes a slow hash may be told 503; one that is strong, or was
 * used since the start, never.
 */
import { randomBytes } from 'node:crypto';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loginFailuresPerMinute, neighbourFailuresFactor } from '../../../src/limits/doors.ts';
import { registerPath } from '../../support/door.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import { adminPassword } from '../../support/service.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';

const [secondsWhole, secondsMin] = [20, 3];
const [ownersMax, ownersMin] = [15, 3];
const [perSecond, underWayMax, headStartMs] = [90, 128, 1_000];
/** Owners wait no longer than this beyond what they wait where nobody guesses; a slow hash has 2 s to begin. */
const patienceMs = 3_000;
/** Told that all slow hashes are taken, or that it was too soon, people try again. */
const triesMax = 3;
const weak = 'a password of eleven words, typed by hand';
const strong = randomBytes(16).toString('hex');

/** Who guesses: the source of each guess. */
const guessers = {
  'one address': () => '203.0.113.9',
  'a /48': (at) => `2001:db8:7:${(at % 600).toString(16)}::1`,
  'many networks': (at) => `198.18.${(at >> 8) % 256}.${at % 256}`,
} as const satisfies Record<string, (at: number) => string>;
type Guesser = keyof typeof guessers;

/** At what they guess. */
const targets = {
  'made-up names at the door': { path: registerPath, username: (at) => `made-up-${at}` },
  'the administrator at the door': { path: registerPath, username: () => 'admin' },
  'made-up names to sign in': { path: '/api/login', username: (at) => `made-up-${at}` },
  'the administrator to sign in': { path: '/api/login', username: () => 'admin' },
} as const satisfies Record<string, { path: string; username: (at: number) => string }>;
type Target = keyof typeof targets;

interface Round {
  readonly guesser: Guesser;
  readonly target: Target;
  /** Whether attempts of a source are limited. */
  readonly isLimited: boolean;
}
const rounds: readonly Round[] = Object.keys(guessers).flatMap((guesser) =>
  Object.keys(targets).flatMap((target) =>
    (target.startsWith('made-up') ? [true, false] : [true]).map((isLimited) => ({
      ...{ guesser: guesser as Guesser, target: target as Target, isLimited },
    })),
  ),
);

async function post({ url }: Served, path: string, source: string, body: object) {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': source },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response.status;
}

/** Somebody who gets in, and from where. */
interface Owner {
  readonly username: string;
  readonly password: string;
  readonly source: string;
}
const administrator = (at: number): Owner => ({
  ...{ username: `admin-${at}`, password: weak },
  source: `2001:db8:${(1_000 + at).toString(16)}:1::1`,
});
const admin = (source: string): Owner => ({ username: 'admin', password: adminPassword, source });
const careful = (source: string): Owner => ({ username: 'careful', password: strong, source });

/** Everybody's names; ended, so that the next start remembers no password and has to hash each. */
async function prepared(dataDir: string, owners: number): Promise<void> {
  const served = await serve(dataDir);
  const token = await served.signIn();
  const people = [...Array.from({ length: owners }, (_, at) => administrator(at)), careful('')];
  for (const { username, password } of people) {
    const body = { username, password, roles: ['administrator'] };
    const { status } = await served.call('POST', '/api/users', { token, body });
    if (status !== 201) throw new Error(`no administrator was made: ${status}`);
  }
  await ended(served);
}

async function ended(served: Served): Promise<void> {
  served.kill('SIGTERM');
  await served.ended;
}

async function getsIn(served: Served, { username, password, source }: Owner) {
  const beganMs = performance.now();
  let status = 0;
  for (let tries = 0; tries < triesMax && status !== 200; tries++)
    status = await post(served, '/api/login', source, { username, password });
  return { username, source, status, ms: performance.now() - beganMs };
}

/** Guesses on until the signal. @returns how many had which answer */
async function guess(served: Served, { guesser, target }: Round, signal: AbortSignal) {
  const answers = new Map<number, number>();
  const underWay = new Set<Promise<void>>();
  const { path, username } = targets[target];
  const beganMs = performance.now();
  for (let at = 0; !signal.aborted; at++) {
    const body = { username: username(at), password: `a slow guess ${at}` };
    const one = post(served, path, guessers[guesser](at), body).then((status) => {
      answers.set(status, (answers.get(status) ?? 0) + 1);
      underWay.delete(one);
    });
    underWay.add(one);
    if (underWay.size >= underWayMax) await Promise.race(underWay);
    await delay(Math.max(0, beganMs + ((at + 1) * 1_000) / perSecond - performance.now()));
  }
  await Promise.all(underWay);
  return answers;
}

/** Guesses at one name that may be judged in a minute, those beside that were under way at once. */
function judgedMax({ guesser, target }: Round, minutes: number): number {
  if (guesser === 'many networks' || target.startsWith('made-up')) return Number.POSITIVE_INFINITY;
  const factor = guesser === 'a /48' ? neighbourFailuresFactor : 1;
  return factor * loginFailuresPerMinute * Math.ceil(minutes + 1) + underWayMax;
}

interface Outcome {
  /** Owners who were told to come again, as often as they tried. */
  readonly later: number;
  readonly longestMs: number;
  readonly guesses: number;
  readonly violations: readonly string[];
}

/** @param round null: nobody guesses */
async function tried(
  dataDir: string,
  round: Round | null,
  { seconds, owners }: { readonly seconds: number; readonly owners: number },
): Promise<Outcome> {
  const served = await serve(dataDir, {
    ...{ GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32', GATEBOOK_LOG_LEVEL: 'error' },
    ...(round?.isLimited === false && { GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0' }),
  });
  const violations: string[] = [];
  const near = guessers[round?.guesser ?? 'one address'](1);
  // Whom the registry has seen at the guesser's own address before.
  const before = administrator(0);
  await getsIn(served, { ...before, source: near });
  const over = new AbortController();
  const guessing = round === null ? null : guess(served, round, over.signal);
  await delay(headStartMs);
  const everybody = [
    ...Array.from({ length: owners }, (_, at) => administrator(at)),
    // The very name that is guessed at, from elsewhere.
    admin('192.0.2.7'),
    // From where the guesses come: with what nobody guesses, and with what was seen there.
    careful(near),
    { ...before, source: near },
  ];
  const arriving: ReturnType<typeof getsIn>[] = [];
  for (const owner of everybody) {
    arriving.push(getsIn(served, owner));
    await delay((seconds * 1_000) / everybody.length);
  }
  const arrived = await Promise.all(arriving);
  over.abort();
  const answers = (await guessing) ?? new Map<number, number>();
  const isSpread = round?.guesser === 'many networks';
  let later = 0;
  for (const { username, source, status } of arrived) {
    // Slots of slow hashes are shared between networks: where there are hundreds, a share may be none.
    const mayBeTold503 = isSpread && username !== 'careful' && username !== before.username;
    if (status === 503 && mayBeTold503) later++;
    else if (status !== 200) violations.push(`${username} from ${source} is told ${status}`);
  }
  if (answers.has(200) || answers.has(201) || answers.has(202))
    violations.push('a guess was right, or asks for access in a locked registry');
  const judged = (answers.get(401) ?? 0) + (answers.get(423) ?? 0) + (answers.get(403) ?? 0);
  if (round !== null && judged > judgedMax(round, seconds / 60))
    violations.push(`${judged} guesses at one name were judged: ${JSON.stringify([...answers])}`);
  await ended(served);
  return {
    later,
    longestMs: Math.max(...arrived.map(({ ms }) => ms)),
    guesses: [...answers.values()].reduce((sum, count) => sum + count, 0),
    violations: violations.map((one) => `${JSON.stringify(round)}: ${one}`),
  };
}

async function run({ chance, share }: Given): Promise<Told> {
  const span = {
    seconds: Math.max(secondsMin, Math.round(secondsWhole * share)),
    owners: Math.max(ownersMin, Math.round(ownersMax * share)),
  };
  const folder = await newFolder();
  const [origin, dataDir] = [join(folder, 'origin'), join(folder, 'data')];
  const chosen = share < 1 ? [chance.pick(rounds)] : rounds;
  const violations: string[] = [];
  let [guesses, longestMs, later] = [0, 0, 0];
  try {
    await prepared(origin, span.owners);
    const of = async (round: Round | null) => {
      await removeFolder(dataDir);
      cpSync(origin, dataDir, { recursive: true });
      return await tried(dataDir, round, span);
    };
    const quiet = share < 1 ? null : await of(null);
    for (const round of chosen) {
      const outcome = await of(round);
      guesses += outcome.guesses;
      later += outcome.later;
      longestMs = Math.max(longestMs, outcome.longestMs);
      violations.push(...outcome.violations);
      // A short run is judged by who gets in alone: it says nothing of time.
      if (quiet !== null && outcome.longestMs > quiet.longestMs + patienceMs)
        violations.push(`${JSON.stringify(round)}: somebody waited ${outcome.longestMs} ms`);
    }
    violations.push(...(quiet?.violations ?? []));
    const waits = quiet === null ? '' : `, ${Math.round(quiet.longestMs)} ms where nobody guesses`;
    const told = later === 0 ? 'everybody in' : `${later} told to come again, beside many networks`;
    const figures = `${guesses} guesses; ${told}, at most after ${Math.round(longestMs)} ms${waits}`;
    return { rounds: chosen.length, figures, violations };
  } finally {
    await removeFolder(folder);
  }
}

export const guessing: Trial = {
  name: 'guessing',
  title: 'guessing by one, a /48, many networks',
  inTurn: true,
  run,
};
