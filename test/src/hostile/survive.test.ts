/**
 * Our device client at a hostile registry, one seed after the other: whatever happens it gets in, with one password and one
 * request, and asks never before it may. 40 seeds; `npm run hostile`: 1,000; HOSTILE_SEED=417: that one alone.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuthority } from '../../../src/credentials/certificates/authority.ts';
import { issueServerIdentity } from '../../../src/credentials/certificates/server-identity.ts';
import { OtherAuthority, type RegisterResult, register } from '../../../src/device/register.ts';
import type { RegisterOptions } from '../../../src/device/registration.ts';
import { retryAfterMs } from '../../../src/device/retry-after.ts';
import { hostileDoor } from '../../../src/hostile/door.ts';
import { type Fates, fatesOf } from '../../../src/hostile/fates.ts';
import { hostileIdentity } from '../../../src/hostile/identity.ts';
import { startHttp } from '../../../src/http/server.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

type Served = Awaited<ReturnType<typeof startHttp>>;
type Serve = (request: IncomingMessage, response: ServerResponse) => void;

interface Here {
  world: World;
  folder: string;
  fingerprint: string;
  served: Served;
  trial: Trial;
  ending: AbortController;
}

/** Of one seed: a device that has not got in by then does not get in. */
const questionsMax = 500;

/** What is true of one seed; the door that all go through asks here. */
class Trial {
  readonly time = new VirtualTime();
  readonly fates: Fates;
  readonly passwords = new Set<unknown>();
  /** Nobody asks before; and what asked too early. */
  notBeforeMs = 0;
  early: string[] = [];
  questions = 0;
  restarts = 0;

  constructor(seed: string) {
    this.fates = fatesOf(seed);
  }

  #unheard = 0;

  /** Nothing of what was answered so far came to the device, or it forgot. */
  forgets(): void {
    this.#unheard = this.questions;
    this.notBeforeMs = 0;
  }

  /** Around the hostile door: what the device was told before, against when it comes. */
  watching(serve: Serve): Serve {
    return (request, response) => {
      const question = ++this.questions;
      const isLongPoll = request.headers.prefer !== undefined;
      // Nobody waits here for real: a registry without room for long polls answers them at once.
      delete request.headers.prefer;
      const nowMs = this.time.nowMs();
      const waitMs = this.notBeforeMs - nowMs;
      if (waitMs > (isLongPoll ? 30_000 : 0))
        this.early.push(`${request.method} ${request.url}: ${waitMs} ms too early`);
      response.once('finish', () => {
        if (question <= this.#unheard) return;
        const after = response.getHeader('retry-after');
        const ms = retryAfterMs(
          after === undefined ? undefined : String(after),
          String(response.getHeader('date')),
          this.time.nowMs(),
        );
        this.notBeforeMs = this.time.nowMs() + (ms ?? 0);
      });
      serve(request, response);
    };
  }
}

const test = suite<Here>('a hostile registry');
test.before(async (here) => {
  here.folder = mkdtempSync(join(tmpdir(), 'gatebook-hostile-'));
  here.world = await startRegistry({ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0' });
  here.fingerprint = (await here.world.call('GET', '/ca')).body.fingerprint;
  const unlock = { durationMs: 3_600_000, maxRequests: 10_000 };
  await here.world.call('POST', '/api/client-registry/unlock', { body: unlock });
  here.ending = new AbortController();
  here.trial = new Trial('before');
  const { app } = here.world.running;
  const now = () => new Date().toISOString();
  const identityOf = (authority: Parameters<typeof issueServerIdentity>[0]['authority']) =>
    issueServerIdentity({
      ...{ authority, now, names: ['127.0.0.1'], signal: here.ending.signal },
      onRenewed: () => undefined,
    }).identity;
  const authorityIn = (keysDir: string) => openAuthority({ keysDir, given: null, now });
  const own = await authorityIn(join(here.world.dataDir, 'keys'));
  const impostor = await authorityIn(here.folder);
  const fates = () => here.trial.fates;
  const time = {
    nowMs: () => here.trial.time.nowMs(),
    sleep: (ms: number) => here.trial.time.sleep(ms),
  };
  const hostile = hostileDoor('tested', fates, time);
  const host = '127.0.0.1';
  here.served = await startHttp(app, {
    ...{ http: { host, port: 0 }, https: { host, port: 0 } },
    identity: hostileIdentity(identityOf(own), identityOf(impostor), fates),
    through: (serve) => {
      const inner = hostile(serve);
      return (request, response) => here.trial.watching(inner)(request, response);
    },
  });
});
test.after(async ({ world, folder, served, ending }) => {
  ending.abort();
  await served.close();
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** An administrator who grants as soon as there is a request. */
async function grantIfAsked(world: World, username: string): Promise<void> {
  const path = '/api/client-registry/requests';
  const { body } = await world.call('GET', `${path}?status=pending&q=${username}`);
  for (const { requestId } of body.items)
    await world.call('POST', `${path}/${requestId}/grant`, { body: {} });
}

/** A device that a supervisor starts again whenever it ends, and that loses its power by now and then. */
async function kept(here: Here, options: RegisterOptions): Promise<RegisterResult> {
  const { world, trial } = here;
  const startsMax = 60;
  for (let start = 0; start < startsMax; start++) {
    const power = new AbortController();
    const onStatus: RegisterOptions['onStatus'] = ({ status }) => {
      if (status === 'asking' || status === 'unreachable') trial.forgets();
      if (status === 'pending') void grantIfAsked(world, options.username);
      // By the fates that devices have: the first three starts end early.
      if (trial.questions > questionsMax) power.abort(new Error('too many questions'));
      if (start < 3 && trial.questions % 5 === 3 + (start % 2)) power.abort(new Error('no power'));
    };
    try {
      return await register({ ...options, onStatus, signal: power.signal });
    } catch (error) {
      if (trial.questions > questionsMax) break;
      if (!power.signal.aborted && !(error instanceof OtherAuthority)) throw error;
      trial.restarts++;
      await trial.time.sleep(1_000);
    }
  }
  throw new Error(`not granted after ${trial.questions} questions and ${trial.restarts} restarts`);
}

async function survives(here: Here, seed: string): Promise<Trial> {
  const trial = new Trial(seed);
  here.trial = trial;
  const { http = '', https = '' } = here.served.addresses;
  const username = `seed-${seed}`;
  const byKey = Number(seed) % 5 === 0;
  const file = join(here.folder, `${seed}.json`);
  const certificate = {
    keyFile: join(here.folder, `${seed}.key`),
    certificateFile: join(here.folder, `${seed}.pem`),
  };
  const options: RegisterOptions = {
    ...{ username, time: trial.time },
    ...(byKey ? { url: https, caFingerprint: here.fingerprint, certificate } : { url: http, file }),
  };
  const first = await kept(here, options);
  assert.is(first.status, 'granted');
  const again = await kept(here, options);
  assert.is(again.status === 'granted' && (again.registered?.username ?? username), username);
  const { body } = await here.world.call('GET', `/api/client-registry/requests?q=${username}`);
  const own = body.items.filter((one: { username: string }) => one.username === username);
  assert.is(own.length, 1, 'one request');
  assert.equal([own[0].status, own[0].conflictCount], ['granted', 0]);
  assert.is(trial.early.join('; '), '', trial.early.join('; '));
  const kept0600 = byKey ? [certificate.keyFile, certificate.certificateFile] : [file];
  for (const one of kept0600) assert.is(statSync(one).mode & 0o777, 0o600);
  if (!byKey) assert.is(JSON.parse(readFileSync(file, 'utf8')).registered.username, username);
  return trial;
}

test('our device client gets in at every seed', async (here) => {
  const count = Number(process.env.HOSTILE_SEEDS ?? 40);
  const only = process.env.HOSTILE_SEED;
  const seeds = only === undefined ? Array.from({ length: count }, (_, at) => String(at)) : [only];
  const [faults, questions, restarts]: [string[], number[], number[]] = [[], [], []];
  for (const seed of seeds)
    try {
      const trial = await survives(here, seed);
      questions.push(trial.questions);
      restarts.push(trial.restarts);
    } catch (error) {
      faults.push(`HOSTILE_SEED=${seed}: ${(error as Error).message}`);
    }
  if (seeds.length > 40) {
    const sum = (all: number[]) => all.reduce((one, other) => one + other, 0);
    console.log(
      `${questions.length} of ${seeds.length} seeds survived, with ${sum(questions)} questions (at most ${Math.max(...questions)}) and ${sum(restarts)} restarts`,
    );
  }
  assert.is(faults.length, 0, faults.slice(0, 5).join('\n'));
});

test.run();
