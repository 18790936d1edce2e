/** Who stands at the doors in tests: names in every state, with their own credential or another. */

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, CallOptions, World } from './service.ts';
import { assert } from './suite.ts';

/** A password that needs no slow hash. */
export const strong = (): string => randomBytes(16).toString('hex');

let counted = 0;
/** A name that no other test has. */
export const newName = (stem = 'press'): string => `${stem}-${++counted}`;

export interface Registered {
  readonly username: string;
  readonly password: string;
  readonly requestId: string;
  readonly registrationToken: string;
}

export const registerPath = '/api/client-registry/register';
export const selfPath = '/api/client-registry/requests/self';

/** What tests say to a registry, in a word each. */
export function doorOf(world: World) {
  const must = async (status: number, method: string, path: string, options: CallOptions = {}) => {
    const answer = await world.call(method, path, options);
    assert.is(
      answer.status,
      status,
      `${method} ${path} answers ${JSON.stringify(answer.body)?.slice(0, 300)}`,
    );
    return answer;
  };
  const command = async (path: string, body: object = {}, status = 200): Promise<Answer> =>
    await must(status, 'POST', path, { body });

  const ask = (
    username: string,
    password: string,
    { source, wait, ...more }: { source?: string; wait?: number } & Record<string, unknown> = {},
  ): Promise<Answer> =>
    world.call('POST', registerPath, {
      token: null,
      body: { username, password, ...more },
      headers: {
        ...(source === undefined ? {} : { 'X-Forwarded-For': source }),
        ...(wait === undefined ? {} : { Prefer: `wait=${wait}` }),
      },
    });

  const unlock = async (limits: object = {}) =>
    (await command('/api/client-registry/unlock', limits)).body;
  const lock = async () => (await command('/api/client-registry/lock')).body;
  const requestsOf = async (username: string) =>
    (
      await must(200, 'GET', `/api/client-registry/requests?q=${username}&limit=1000`)
    ).body.items.filter((one: { username: string }) => one.username === username);

  return {
    must,
    command,
    ask,
    unlock,
    lock,
    requestsOf,
    self: (registrationToken: string, wait?: number): Promise<Answer> =>
      world.call('GET', selfPath, {
        token: registrationToken,
        headers: wait === undefined ? {} : { Prefer: `wait=${wait}` },
      }),
    /** What an attempt came to, in two words. */
    code: ({ status, body }: Answer): string =>
      `${status} ${body.code ?? body.status}`.replace(/ (granted|pending)$/, ''),
    async pending(username = newName(), password = strong(), more = {}): Promise<Registered> {
      const { status, body } = await ask(username, password, more);
      assert.is(status, 202, `${username} waits: ${JSON.stringify(body)}`);
      return { username, password, ...body };
    },
    async active(rights: object = {}, username = newName(), password = strong()) {
      const asked = await this.pending(username, password);
      await this.grant(asked.requestId, rights);
      return asked;
    },
    grant: (requestId: string, grant: object = {}, status = 200) =>
      command(`/api/client-registry/requests/${requestId}/grant`, grant, status),
    deny: (requestId: string, deny: object = {}, status = 200) =>
      command(`/api/client-registry/requests/${requestId}/deny`, deny, status),
    user: async (username: string) => (await must(200, 'GET', `/api/users/${username}`)).body,
    change: (username: string, what: string, body: object = {}, status = 200) =>
      command(`/api/users/${username}/${what}`, body, status),
    /** Events of a name, the oldest first; or of everything. */
    async events(username?: string) {
      const filter = username === undefined ? '' : `&username=${username}`;
      return (await must(200, 'GET', `/api/audit/events?order=asc&limit=1000${filter}`)).body.items;
    },
    async types(username: string): Promise<string[]> {
      return (await this.events(username)).map(({ type }: { type: string }) => type);
    },
    async signedIn(username: string, rights: object = {}): Promise<string> {
      const password = strong();
      await command('/api/users', { username, password, ...rights }, 201);
      return await world.signIn(username, password);
    },
  };
}
export type Door = ReturnType<typeof doorOf>;

export const states = [
  'unknown',
  'pending',
  'active',
  'challenged',
  'challenge-denied',
  'suspended',
  'revoked',
  'expired',
  'denied',
  'blocked',
] as const;
export type State = (typeof states)[number];
export type Credential = 'own' | 'challenger' | 'other';
export type Gate = 'locked' | 'same' | 'later' | 'filtered';
export const gates: readonly Gate[] = ['same', 'locked', 'filtered', 'later'];

type Told = Record<Gate, string>;
const always = (told: string): Told => ({ locked: told, same: told, later: told, filtered: told });
const asOpen = (told: string): Told => ({ ...always(told), locked: locked_, filtered: locked_ });
const locked_ = '423 registry-locked';
const taken = '409 username-taken';
const denied = '403 registration-denied';

/** SPEC 4, rows 3 to 8: what is told, by state, credential and gate. */
export const expected: Readonly<Record<State, Partial<Record<Credential, Told>>>> = {
  unknown: { other: asOpen('202') },
  pending: { own: always('202'), other: asOpen(taken) },
  active: { own: always('201'), other: asOpen(taken) },
  challenged: {
    own: always('201'),
    challenger: always('409 replacement-pending'),
    other: asOpen(taken),
  },
  'challenge-denied': {
    own: always('201'),
    challenger: { locked: denied, same: denied, later: taken, filtered: locked_ },
    other: asOpen(taken),
  },
  suspended: { own: always('403 access-suspended'), other: asOpen(taken) },
  revoked: { own: always('410 access-revoked'), other: asOpen('410 access-revoked') },
  expired: {
    own: { ...asOpen('202'), locked: '410 access-expired' },
    other: asOpen('202'),
  },
  denied: {
    own: { locked: denied, same: denied, later: '202', filtered: locked_ },
    other: { ...asOpen('202'), same: denied },
  },
  blocked: { own: always(denied), other: asOpen(denied) },
};

export const cells = states.flatMap((state) =>
  Object.entries(expected[state]).flatMap(([credential, told]) =>
    gates.map((gate) => ({
      state,
      credential: credential as Credential,
      gate,
      told: told[gate],
      username: `${state}.${credential}.${gate}`,
    })),
  ),
);
export type Cell = (typeof cells)[number];

const blockedUntil = '2999-01-01T00:00:00.000Z';
export const reasonOf = (state: State): string => `because it is ${state}`;

/** Brings a name into a state, in a window that is open; one whose access expires as far as its access. */
async function bringInto(
  door: Door,
  { state, username }: Cell,
  passwords: Record<Credential, string>,
): Promise<void> {
  if (state === 'unknown') return;
  const { requestId } = await door.pending(username, passwords.own);
  const reason = reasonOf(state);
  if (state === 'pending') return;
  if (state === 'denied' || state === 'blocked') {
    await door.deny(requestId, { reason, ...(state === 'blocked' ? { blockedUntil } : {}) });
    return;
  }
  await door.grant(requestId, { reason: 'welcome' });
  if (state === 'suspended') await door.change(username, 'suspend', { reason });
  if (state === 'revoked') await door.change(username, 'revoke', { reason });
  if (state === 'challenged' || state === 'challenge-denied') {
    assert.is((await door.ask(username, passwords.challenger)).status, 409);
    if (state === 'challenged') return;
    const requests = await door.requestsOf(username);
    const challenge = requests.find(({ kind }: { kind: string }) => kind === 'replacement');
    await door.deny(challenge.requestId, { reason });
  }
}

/**
 * Makes every name of the table, and then lets each knock at its gate. `knock` says what it was told.
 */
export async function knockEverywhere(
  door: Door,
  knock: (cell: Cell, password: string) => Promise<void>,
): Promise<void> {
  const passwords = new Map(
    cells.map(({ username }) => [
      username,
      { own: strong(), challenger: strong(), other: strong() },
    ]),
  );
  await door.unlock({ maxRequests: 10_000 });
  await Promise.all(
    cells.map((cell) => bringInto(door, cell, passwords.get(cell.username) as never)),
  );
  const expiring = cells.filter(({ state }) => state === 'expired');
  const endsAt = new Date(Date.now() + 2_000).toISOString();
  await Promise.all(
    expiring.map(({ username }) =>
      door.must(200, 'PUT', `/api/users/${username}/authorization`, {
        body: { expiresAt: endsAt },
      }),
    ),
  );
  await sleep(Math.max(0, Date.parse(endsAt) - Date.now() + 1));
  const move = {
    same: () => undefined,
    locked: () => door.lock(),
    filtered: () => door.unlock({ usernamePattern: 'nobody-*' }),
    later: () => door.unlock({ maxRequests: 10_000 }),
  };
  const attempt = async (cell: Cell) => {
    // What time and the broker do is not what the knock does.
    const types = async () =>
      (await door.types(cell.username)).filter(
        (type) => !/Access|Credential|Certificate/.test(type),
      );
    const before = await types();
    await knock(cell, passwords.get(cell.username)?.[cell.credential] as string);
    const after = await types();
    assert.equal(after.slice(before.length), recorded(cell), `what ${cell.username} recorded`);
  };
  for (const gate of gates) {
    await move[gate]();
    await Promise.all(cells.filter((cell) => cell.gate === gate).map(attempt));
  }
}

/** What a knock at a cell records. */
export function recorded({ state, gate, told }: Cell): string[] {
  if (told === '202') return state === 'pending' ? [] : ['RegistrationRequested'];
  if (told !== taken || state === 'suspended') return [];
  if (state === 'pending' || state === 'challenged') return ['RegistrationContested'];
  return state === 'challenge-denied' && gate === 'same' ? [] : ['ReplacementRequested'];
}
