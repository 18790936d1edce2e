/** What a stranger may time at a locked registry: a known name and an unknown one, at each door. */
import { Agent } from 'node:https';
import { loginFailuresPerMinute } from '../../src/limits/doors.ts';
import { type Door, newName, strong } from './door.ts';
import { knockAt } from './door-at-mqtt.ts';
import { caOf, enrol, newPkcs10 } from './est.ts';
import type { World } from './service.ts';
import { assert } from './suite.ts';
import { type Timed, timed } from './timing.ts';

export const timingEnvironment = {
  GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32',
  GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '1000000',
};

type Measure = (pairs: number) => Promise<Timed>;
type Names = Readonly<Record<'known' | 'unknown', string>>;

/** Another source for each question, so that no limit of one is met. */
const sourceOf = (at: number) => `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`;
/** The same at MQTT, where the address is the connection's own: all of 127/8 is this machine. */
const loopbackOf = (at: number) => `127.${1 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`;
let asked = 0;
const weak = () => `a guess ${strong()}`;

export function timingProbes(world: World, door: Door, names: Names) {
  const register = async (username: string, password: string, source: string, status: number) => {
    const answer = await door.ask(username, password, { source });
    assert.is(answer.status, status);
  };
  const login = async (username: string, password: string, source: string, status: number) => {
    const answer = await world.call('POST', '/api/login', {
      token: null,
      body: { username, password },
      headers: { 'X-Forwarded-For': source },
    });
    assert.is(answer.status, status);
  };
  const elsewhere =
    (ask: typeof register, passwordOf: () => string, status: number): Measure =>
    (pairs) =>
      timed(pairs, (which) => ask(names[which], passwordOf(), sourceOf(asked++), status));

  const connecting =
    (passwordOf: () => string): Measure =>
    (pairs) =>
      timed(pairs, async (which) => {
        const who = { username: names[which], password: passwordOf() };
        assert.is(await knockAt(world, who, newName(), loopbackOf(asked++)), 5);
      });

  /** Both names are guessed at from one address until it has to wait; each refusal takes a second then. */
  const throttledConnects: Measure = async (pairs) => {
    const address = loopbackOf(asked++);
    const knock = (username: string) =>
      knockAt(world, { username, password: strong() }, newName(), address);
    const fill = () =>
      Promise.all(
        Object.values(names).flatMap((name) =>
          Array.from({ length: loginFailuresPerMinute }, () => knock(name)),
        ),
      );
    let filledMs = Number.NEGATIVE_INFINITY;
    return await timed(pairs, async (which) => {
      if (performance.now() - filledMs > 30_000) {
        await fill();
        filledMs = performance.now();
      }
      await knock(names[which]);
    });
  };

  const throttled: Measure = async (pairs) => {
    const source = sourceOf(asked++);
    const fill = async () => {
      for (const name of Object.values(names))
        for (let guess = 0; guess < loginFailuresPerMinute; guess++)
          await door.ask(name, strong(), { source });
    };
    let filledMs = Number.NEGATIVE_INFINITY;
    return await timed(pairs, async (which) => {
      // The count of a name begins anew each minute.
      if (performance.now() - filledMs > 30_000) {
        await fill();
        filledMs = performance.now();
      }
      await door.ask(names[which], strong(), { source });
    });
  };

  const enrolling = (csrs: () => Promise<Names>): Measure => {
    const agent = new Agent({ keepAlive: true });
    return async (pairs) => {
      const [ca, csrOf] = [await caOf(world), await csrs()];
      return await timed(pairs, async (which) => {
        const headers = { 'X-Forwarded-For': sourceOf(asked++) };
        assert.is((await enrol(world, csrOf[which], { ca, agent, headers })).status, 202);
      });
    };
  };
  const strangers = async (): Promise<Names> => ({
    known: newPkcs10(names.known).csr,
    unknown: newPkcs10(names.unknown).csr,
  });
  /** The one waits for a decision, and the other was turned away: both are told that they wait. */
  const waiting = async (): Promise<Names> => {
    const csrOf = { ...(await strangers()), known: newPkcs10(newName('waiting')).csr };
    await door.unlock();
    assert.is((await enrol(world, csrOf.known)).status, 202);
    await door.lock();
    return csrOf;
  };

  /** The known one moved in and has not shown its password yet. */
  const movedIn =
    (passwordOf: () => string): Measure =>
    async (pairs) => {
      const known = newName('moved');
      const verifier = `$pbkdf2-sha512$i=101,l=64$c2FsdHNhbHQ$${'A'.repeat(86)}`;
      await door.command('/api/users/import', { users: [{ username: known, verifier }] });
      const who = { ...names, known };
      return await timed(pairs, (which) =>
        register(who[which], passwordOf(), sourceOf(asked++), 423),
      );
    };

  return {
    'moved in, strong form': movedIn(strong),
    'moved in, slow hash': movedIn(weak),
    'EST, by key': enrolling(strangers),
    'EST, waiting': enrolling(waiting),
    'REST, strong form': elsewhere(register, strong, 423),
    'REST, throttled': throttled,
    'login, strong form': elsewhere(login, strong, 401),
    'MQTT, strong form': connecting(strong),
    'REST, slow hash': elsewhere(register, weak, 423),
    'login, slow hash': elsewhere(login, weak, 401),
    'MQTT, slow hash': connecting(weak),
    'MQTT, throttled': throttledConnects,
  } as const satisfies Record<string, Measure>;
}

/** A client that is active, and a name that nobody has. */
export async function timingNames(door: Door): Promise<Names> {
  await door.unlock();
  const { username } = await door.active();
  await door.lock();
  return { known: username, unknown: newName('nobody') };
}
