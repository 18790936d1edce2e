/** A clock that jumps, file descriptors that are used up, memory at its cap: what was acknowledged stays true. */
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { compared, Ledger } from '../ledger.ts';
import { loadOf } from '../mixed-load.ts';
import { treeFaults } from '../whole.ts';

const environment = {
  ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: '0' },
  GATEBOOK_LOG_LEVEL: 'error',
};
const jumpsWhole = 12;
const hourMs = 3_600_000;
const [descriptors, socketsAtOnce] = [160, 400];
const heapMebibytes = 96;

async function opened(served: Served): Promise<string> {
  const token = await served.signIn();
  const body = { maxRequests: 10_000, durationMs: 23 * hourMs };
  await served.call('POST', '/api/client-registry/unlock', { token, body });
  return token;
}

async function loadFor(ms: number, served: Served, token: string, ledger: Ledger, chance: Chance) {
  const ending = new AbortController();
  const load = loadOf(served, token, ledger, { chance, actors: 8, signal: ending.signal });
  await delay(ms);
  ending.abort();
  await load;
}

/** Within the window's time and the tokens': forth and back by up to an hour, under load. */
async function clock(dataDir: string, chance: Chance, jumps: number): Promise<string[]> {
  const preload = pathToFileURL(join(import.meta.dirname, '../../support/moved-clock.ts')).href;
  const file = join(dataDir, 'clock');
  const served = await serve(join(dataDir, 'data'), {
    ...environment,
    ...{ NODE_OPTIONS: `--import=${preload}`, MOVED_CLOCK: file },
  });
  const ledger = new Ledger();
  const token = await opened(served);
  for (let jump = 0; jump < jumps && ledger.violations.length === 0; jump++) {
    writeFileSync(file, String((chance.below(3) - 1) * hourMs));
    await loadFor(400, served, token, ledger, chance);
    await compared(served, token, ledger);
  }
  ledger.violations.push(...(await treeFaults(served, token)));
  served.kill('SIGTERM');
  if ((await served.ended) !== 0) ledger.violations.push('SIGTERM did not end it with 0');
  return ledger.violations;
}

/** More sockets than it has descriptors for: it answers again when they are gone. */
async function fewDescriptors(dataDir: string, chance: Chance): Promise<string[]> {
  const served = await serve(dataDir, environment, descriptors);
  const ledger = new Ledger();
  const token = await opened(served);
  await loadFor(500, served, token, ledger, chance);
  const sockets: Socket[] = [];
  for (let count = 0; count < socketsAtOnce; count++) {
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    sockets.push(socket);
  }
  await delay(1_500);
  for (const socket of sockets) socket.destroy();
  await delay(500);
  await compared(served, token, ledger);
  await loadFor(500, served, token, ledger, chance);
  await compared(served, token, ledger);
  served.kill('SIGKILL');
  await served.ended;
  return ledger.violations;
}

/** Bodies and names up to a small heap: it may die, and nothing acknowledged is lost. */
async function littleMemory(dataDir: string, chance: Chance): Promise<string[]> {
  const memory = { NODE_OPTIONS: `--max-old-space-size=${heapMebibytes}` };
  let served = await serve(dataDir, { ...environment, ...memory });
  const ledger = new Ledger();
  const token = await opened(served);
  const context = Object.fromEntries(
    Array.from({ length: 32 }, (_, index) => [`key${index}`, 'x'.repeat(1_000)]),
  );
  const heavy = Array.from({ length: 400 }, (_, index) =>
    served
      .call('POST', '/api/client-registry/register', {
        body: { username: `heavy-${index}`, password: `a-password-of-its-own-${index}`, context },
      })
      .catch(() => undefined),
  );
  await Promise.all([loadFor(2_000, served, token, ledger, chance), ...heavy]);
  served.kill('SIGKILL');
  await served.ended;
  served = await serve(dataDir, environment);
  await compared(served, token, ledger);
  served.kill('SIGKILL');
  await served.ended;
  return ledger.violations;
}

async function run({ chance, share }: Given): Promise<Told> {
  const jumps = Math.max(2, Math.round(jumpsWhole * share));
  const violations: string[] = [];
  for (const trial of [
    (folder: string) => clock(folder, chance, jumps),
    (folder: string) => fewDescriptors(join(folder, 'data'), chance),
    (folder: string) => littleMemory(join(folder, 'data'), chance),
  ]) {
    const folder = await newFolder();
    try {
      violations.push(...(await trial(folder)));
    } finally {
      await removeFolder(folder);
    }
  }
  const figures = `${descriptors} descriptors for ${socketsAtOnce} sockets, a heap of ${heapMebibytes} MiB`;
  return { rounds: jumps, figures: `${jumps} jumps of an hour; ${figures}`, violations };
}

export const machine: Trial = { name: 'machine', title: 'clock jumps, descriptors, memory', run };
