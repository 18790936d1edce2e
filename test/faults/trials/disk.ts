/** A disk that is full, and files that were flipped, cut, lost or exchanged: nothing acknowledged is lost, and it says so. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registerPath } from '../../support/door.ts';
import { runs, type Served, serve } from '../../support/process.ts';
import { skipped } from '../../support/skipped.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';

const environment = {
  ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: '0' },
  GATEBOOK_LOG_LEVEL: 'error',
};
const tmpfsBytes = 24 * 1024 * 1024;
const namesMax = 2_000;
const damagesWhole = 60;

interface Name {
  readonly username: string;
  readonly password: string;
}

const unlock = ({ call }: Served, token: string) =>
  call('POST', '/api/client-registry/unlock', {
    token,
    body: { maxRequests: 10_000, durationMs: 3_600_000 },
  });
const ask = ({ call }: Served, { username, password }: Name) =>
  call('POST', registerPath, { body: { username, password } });
const newName = (index: number): Name => ({
  username: `disk-${index}`,
  password: randomBytes(16).toString('hex'),
});

/** Null, and said aloud, where nobody may mount here. */
function smallDisk(): string | null {
  const mount = mkdtempSync(join(tmpdir(), 'gatebook-tmpfs-'));
  try {
    const options = ['-t', 'tmpfs', '-o', `size=${tmpfsBytes}`, 'tmpfs', mount];
    execFileSync('mount', options, { stdio: 'ignore' });
    return mount;
  } catch {
    rmSync(mount, { recursive: true });
    skipped('a full disk: no tmpfs can be mounted here');
    return null;
  }
}

/** Asks until the disk is full; then makes room, and asks again. */
async function onFullDisk(violations: string[]): Promise<string> {
  const mount = smallDisk();
  if (mount === null) return 'no full disk';
  const dataDir = join(mount, 'data');
  mkdirSync(dataDir, { mode: 0o700 });
  const ballast = join(mount, 'ballast');
  try {
    let served = await serve(dataDir, environment);
    const token = await served.signIn();
    await unlock(served, token);
    // Something else takes the disk, and leaves a little of it.
    const free = Number(
      execFileSync('stat', ['-f', '-c', '%f*%S', mount])
        .toString()
        .trim()
        .split('*')
        .map(Number)
        .reduce((a, b) => a * b),
    );
    writeFileSync(ballast, Buffer.alloc(Math.max(0, free - 400 * 1024)));
    const acknowledged: Name[] = [];
    let full: number | undefined;
    for (let index = 0; index < namesMax && full === undefined; index++) {
      const name = newName(index);
      const { status } = await ask(served, name);
      if (status === 202) acknowledged.push(name);
      else full = status;
    }
    if (full !== 503) violations.push(`a full disk is answered ${full}`);
    const ready = await served.call('GET', '/readyz');
    if (ready.status !== 503) violations.push(`a full disk leaves it ready: ${ready.status}`);
    rmSync(ballast);
    const again = newName(namesMax);
    let status = 0;
    for (let tries = 0; tries < 50 && status !== 202; tries++) {
      status = (await ask(served, again)).status;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    if (status !== 202) violations.push(`with room again it answers ${status}`);
    acknowledged.push(again);
    served.kill('SIGKILL');
    await served.ended;
    served = await serve(dataDir, environment);
    for (const name of acknowledged) {
      const { status } = await ask(served, name);
      if (status !== 202)
        violations.push(`${name.username} was acknowledged, and is told ${status}`);
    }
    served.kill('SIGTERM');
    await served.ended;
    return `${acknowledged.length} acknowledged on a disk of ${tmpfsBytes / 1024 / 1024} MiB until 503`;
  } finally {
    execFileSync('umount', ['-l', mount]);
    rmSync(mount, { recursive: true });
  }
}

type Damage = (file: string, chance: Chance) => void;
const damages: Readonly<Record<string, Damage>> = {
  'a flipped bit'(file, chance) {
    const bytes = readFileSync(file);
    const at = chance.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << chance.below(8));
    writeFileSync(file, bytes);
  },
  'a cut end': (file, chance) =>
    truncateSync(file, Math.max(1, statSync(file).size - 1 - chance.below(8_192))),
  'a page of zeros'(file, chance) {
    const bytes = readFileSync(file);
    const page = 4_096 * chance.below(Math.ceil(bytes.length / 4_096));
    bytes.fill(0, page, Math.min(page + 4_096, bytes.length));
    writeFileSync(file, bytes);
  },
  'a lost file': (file) => rmSync(file),
};

/** A folder with some history, stopped: half of its names are granted, so that a start looks for their verifiers. */
async function filled(): Promise<{ dataDir: string; token: string; names: Name[] }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gatebook-disk-'));
  const served = await serve(dataDir, environment);
  const token = await served.signIn();
  await unlock(served, token);
  const names = Array.from({ length: 40 }, (_, index) => newName(index));
  for (const [index, name] of names.entries()) {
    const { body } = await ask(served, name);
    const grant = `/api/client-registry/requests/${body.requestId}/grant`;
    if (index % 2 === 0) await served.call('POST', grant, { token, body: {} });
  }
  served.kill('SIGTERM');
  await served.ended;
  return { dataDir, token, names };
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );

/**
 * Either it refuses to start, in words; or it starts, and what it then says of every name is true, or an error.
 * Never a name that was acknowledged and is unknown.
 */
async function onDamage(
  whole: Awaited<ReturnType<typeof filled>>,
  file: string,
  damage: Damage,
  chance: Chance,
): Promise<{ outcome: 'refused' | 'served' | 'told'; fault?: string }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gatebook-damaged-'));
  cpSync(whole.dataDir, dataDir, { recursive: true });
  try {
    damage(join(dataDir, file), chance);
    const started = await runs(dataDir, environment).catch(() => null);
    if (started !== null && started.exitCode !== null) {
      const text = started.err + started.out;
      const isInWords = text.trim().length > 0 && !/^\s+at /m.test(started.err);
      return isInWords
        ? { outcome: 'refused' }
        : { outcome: 'refused', fault: `no words: ${text.slice(0, 300)}` };
    }
    const served = await serve(dataDir, environment);
    let outcome: 'served' | 'told' = 'served';
    try {
      await unlock(served, whole.token);
      for (const name of whole.names) {
        const { status } = await ask(served, name);
        if (status >= 500) outcome = 'told';
        const request = await served.call('GET', `/api/users/${name.username}`, {
          token: whole.token,
        });
        if (request.status === 404)
          return { outcome, fault: `${name.username} was acknowledged, and is forgotten` };
      }
    } finally {
      served.kill('SIGKILL');
      await served.ended;
    }
    return { outcome };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function run({ chance, share }: Given): Promise<Told> {
  const violations: string[] = [];
  const full = await onFullDisk(violations);
  const whole = await filled();
  const counts: Record<string, number> = {};
  const rounds = Math.max(3, Math.round(damagesWhole * share));
  try {
    const files = filesIn(whole.dataDir);
    for (let number = 0; number < rounds; number++) {
      const file = files[number % files.length] as string;
      const [what, damage] = chance.pick(Object.entries(damages));
      const { outcome, fault } = await onDamage(whole, file, damage, chance);
      counts[outcome] = (counts[outcome] ?? 0) + 1;
      if (fault !== undefined) violations.push(`${what} in ${file}: ${fault}`);
    }
  } finally {
    rmSync(whole.dataDir, { recursive: true, force: true });
  }
  const told = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`);
  return { rounds, figures: `${full}; damage: ${told.join(', ')}`, violations };
}

export const disk: Trial = { name: 'disk', title: 'full disk, damaged and lost files', run };
