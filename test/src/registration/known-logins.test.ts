/** What a login takes is never older than the rows: forgotten when the account or a role changes, and when access runs out. */
import type { AccessRow } from '../../../projections/access.ts';
import { clients } from '../../../projections/clients.ts';
import type { Changes } from '../../../src/read-models/read-models.ts';
import { createKnownLogins } from '../../../src/registration/known-logins.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('known logins');

const rowOf = (username: string, resource: string, expiresAt: string | null = null) => ({
  ...{ username, status: 'active', requestId: null, passwordOpens: true },
  credentialId: `credential of ${username}`,
  rights: {
    ...{ roles: [], mqttPublishPrefix: null, mqttClientId: null, expiresAt },
    permissions: [{ context: 'mqtt', operation: 'read', resource }],
  },
});

function world(max?: number) {
  const rows = new Map<string, ReturnType<typeof rowOf>>();
  const listeners: ((events: unknown, changes: Changes) => void)[] = [];
  const opened: string[] = [];
  const looks: string[] = [];
  const told: string[] = [];
  const broken = new Set<string>();
  let [reads, now, suffix] = [0, '2026-11-29T10:00:00.000Z', ''];
  const logins = createKnownLogins({
    access: {
      get(username: string) {
        reads++;
        return rows.get(username);
      },
      between({ atLeast }: { atLeast: string }) {
        looks.push(atLeast);
        const [next] = [...rows.keys()].filter((name) => name >= atLeast).sort();
        const items = next === undefined ? [] : [rows.get(next)];
        return { items, places: items.map((row) => ({ value: row?.username, born: 0 })) };
      },
      find({ limit, cursor = '0' }: { limit: number; cursor?: string }) {
        const from = Number(cursor);
        const items = [...rows.values()].reverse().slice(from, from + limit);
        return { items, nextCursor: from + limit < rows.size ? `${from + limit}` : null };
      },
    },
    authority: {
      given: ({ permissions }: AccessRow & { permissions: { resource: string }[] }) =>
        permissions.map((one) => ({ ...one, resource: one.resource + suffix })),
    },
    async openVerifier(id: string) {
      opened.push(id);
      if (broken.has(id)) throw new Error(`${id} is broken`);
    },
    logger: { warn: (message: string) => told.push(message) },
    onApplied: (listener: (events: unknown, changes: Changes) => void) => listeners.push(listener),
    ...{ now: () => now, max },
  } as never);
  const tell = (table: string, key: string) => {
    for (const listener of listeners) listener([], new Map([[table, new Map([[key, undefined]])]]));
  };
  return {
    ...{ logins, opened, looks, told, reads: () => reads },
    breaks: (username: string) => broken.add(`credential of ${username}`),
    set(row: ReturnType<typeof rowOf>) {
      rows.set(row.username, row);
      tell(clients.name, row.username);
    },
    remove(username: string) {
      rows.delete(username);
      tell(clients.name, username);
    },
    roleBecomes(text: string) {
      suffix = text;
      tell('roles', 'some');
    },
    passTo(instant: string) {
      now = instant;
    },
    mayRead: (username: string) => logins.active(username)?.permissions.mqttRead[0]?.join('/'),
  };
}

test('an account is read once, and anew when it changes', () => {
  const { set, remove, mayRead, reads, logins } = world();
  set(rowOf('press-1', 'a'));
  assert.is(mayRead('press-1'), 'a');
  assert.is(mayRead('press-1'), 'a');
  assert.is(reads(), 1);
  set(rowOf('press-1', 'b'));
  assert.is(mayRead('press-1'), 'b');
  set({ ...rowOf('press-1', 'b'), status: 'suspended' });
  assert.is(logins.active('press-1'), undefined);
  remove('press-1');
  assert.is(logins.active('press-1'), undefined);
});

test('a role that changes changes what everybody may', () => {
  const { set, roleBecomes, mayRead } = world();
  set(rowOf('press-1', 'a'));
  assert.is(mayRead('press-1'), 'a');
  roleBecomes('/more');
  assert.is(mayRead('press-1'), 'a/more');
});

test('access that runs out lets nobody in, also where it is remembered', () => {
  const { set, passTo, logins } = world();
  set(rowOf('press-1', 'a', '2026-11-29T10:00:01.000Z'));
  assert.ok(logins.active('press-1'));
  passTo('2026-11-29T10:00:01.000Z');
  assert.is(logins.active('press-1'), undefined);
});

test('a name is held by who is active or suspended', () => {
  const { set, remove, logins } = world();
  assert.not(logins.isHeld('press-1'));
  set(rowOf('press-1', 'a'));
  assert.ok(logins.isHeld('press-1'));
  set({ ...rowOf('press-1', 'a'), status: 'suspended' });
  assert.ok(logins.isHeld('press-1'));
  set({ ...rowOf('press-1', 'a'), status: 'pending' });
  assert.not(logins.isHeld('press-1'));
  remove('press-1');
  assert.not(logins.isHeld('press-1'));
  assert.not(logins.isHeld('a/b'), 'nobody is called so');
});

test('client ids between two names are looked for once, until a name comes between', () => {
  const { set, logins, looks } = world();
  set(rowOf('admin', 'a'));
  set(rowOf('device-1', 'a'));
  for (const id of ['bench-1', 'bench-2', 'device-0', 'zzz-9', 'zzz-99'])
    assert.not(logins.isHeld(id));
  assert.equal(looks, ['bench-1', 'zzz-9']);
  assert.not(logins.isHeld('bench-0'));
  assert.not(logins.isHeld('bench-00'));
  assert.equal(looks.splice(0), ['bench-1', 'zzz-9', 'bench-0']);
  assert.ok(logins.isHeld('device-1'));
  set(rowOf('bench-2', 'a'));
  assert.ok(logins.isHeld('bench-2'));
  assert.not(logins.isHeld('bench-1'));
  assert.not(logins.isHeld('bench-3'));
  assert.not(logins.isHeld('zzz-999'), 'and the other gap is as it was');
  assert.equal(looks, ['device-1', 'bench-2', 'bench-1', 'bench-3']);
});

test('after a start the newest that there is room for are made ready, with their verifiers', async () => {
  const { set, opened, reads, mayRead, logins } = world(60);
  for (let n = 0; n < 100; n++) set(rowOf(`press-${n}`, `plant/${n}`));
  await logins.prepare(new AbortController().signal);
  assert.is(mayRead('press-99'), 'plant/99');
  assert.is(mayRead('press-40'), 'plant/40');
  assert.is(reads(), 0);
  assert.is(opened.length, 60);
  assert.is(mayRead('press-39'), 'plant/39');
  assert.is(reads(), 1);
});

test('what changes while others are made ready is as it became', async () => {
  const { set, mayRead, logins, opened } = world();
  for (let n = 0; n < 60; n++) set(rowOf(`press-${n}`, 'before'));
  const prepared = logins.prepare(new AbortController().signal);
  set(rowOf('press-59', 'after'));
  await prepared;
  assert.is(mayRead('press-59'), 'after');
  assert.is(opened.length, 60);
});

test('a service that stops makes no more ready', async () => {
  const { set, logins, opened } = world();
  for (let n = 0; n < 200; n++) set(rowOf(`press-${n}`, 'a'));
  await logins.prepare(AbortSignal.abort());
  assert.is(opened.length, 0);
});

test('verifiers that cannot be read are told once, and keep nothing else from being made ready', async () => {
  const { set, breaks, logins, opened, told, mayRead, reads } = world();
  for (let n = 0; n < 60; n++) set(rowOf(`press-${n}`, 'a'));
  for (const name of ['press-59', 'press-3']) breaks(name);
  await logins.prepare(new AbortController().signal);
  assert.is(opened.length, 60);
  assert.equal(told, ['A verifier could not be read before it is needed']);
  assert.is(mayRead('press-59'), 'a');
  assert.is(reads(), 0);
});

test.run();
