import { randomUUID } from 'node:crypto';
import {
  type PreauthorizationCommand,
  preauthorization,
} from '../../../domain/preauthorization.ts';
import { noRights } from '../../../domain/rights.ts';
import { handle, newCause } from '../../../src/commands/handle.ts';
import { type SweepOptions, startSweeping, sweep } from '../../../src/jobs/vault-sweep.ts';
import { orphanAgeMs, unreadableNamedMax } from '../../../src/limits/credentials.ts';
import { rowsOf } from '../../../src/read-models/all.ts';
import { beginning, noStream } from '../../../src/store/event-store.ts';
import * as the from '../../support/client.ts';
import { change, clockWorld, dayMs, near, type World } from '../../support/clock-world.ts';
import { rowsFile } from '../../support/read-models.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<World>('sweep');

test.before.each((world) => {
  Object.assign(world, clockWorld());
});
test.after.each(({ stop }) => stop());

const asks = the.knock(the.first);

const secret = (username: string) => ({
  kind: 'verifier' as const,
  username,
  verifier: '$made$up',
});
const kept = async ({ vault }: World, id: string) => (await vault.open(id)) !== undefined;

test('a secret that no event names is destroyed after some time', async (world) => {
  const id = await world.vault.keep(secret(the.username));
  world.clock.at = near(the.at, orphanAgeMs);
  assert.is(await sweep(world.options), 0);
  assert.ok(await kept(world, id));
  world.clock.at = near(the.at, orphanAgeMs + 1);
  assert.is(await sweep(world.options), 1);
  assert.not.ok(await kept(world, id));
});
test('secrets that cannot be opened are counted, their names told, and the others swept', async (world) => {
  const count = unreadableNamedMax + 3;
  for (let at = 0; at < count; at += 1)
    await world.store.append(`vault-${randomUUID()}`, noStream, [
      {
        ...{ eventId: randomUUID(), type: 'SecretKept' },
        data: { at: the.at, kind: 'verifier', username: `press-${at}` },
        metadata: { correlationId: '1', causationId: null },
      },
    ]);
  const id = await world.vault.keep(secret(the.username));
  world.clock.at = near(the.at, orphanAgeMs + 1);
  assert.is(await sweep(world.options), 1);
  assert.not.ok(await kept(world, id));
  const told = world.lines.filter((line) => line.includes('cannot be opened'));
  assert.is(told.length, 1);
  const said = JSON.parse(told[0] ?? '');
  assert.equal([said.count, said.usernames.length], [count, unreadableNamedMax]);
});
test('a verifier that opens or waits is kept for ever', async (world) => {
  const [own, challenging] = [
    await world.vault.keep(secret(the.username)),
    await world.vault.keep(secret(the.username)),
  ];
  await change(world, { ...asks, credentialId: own });
  await change(world, the.grant());
  await change(world, the.knock({ ...the.challenger, credentialId: challenging }));
  world.clock.at = '2036-01-01T00:00:00.000Z';
  assert.is(await sweep(world.options), 0);
  assert.ok((await kept(world, own)) && (await kept(world, challenging)));
});
test('a verifier of a use that was interrupted stays while its rule lets in', async (world) => {
  const id = await world.vault.keep(secret(the.username));
  const preauthorizationId = the.id(51);
  const rule = {
    ...{ effect: 'allow' as const, usernamePattern: null, sources: [], pairingId: null },
    ...{ csrFingerprint: null, enrolmentCodeId: 'a'.repeat(64), rights: noRights },
    ...{ maxUses: 1, until: the.afterwards, note: null },
  };
  const tell = (command: PreauthorizationCommand) =>
    handle(world.store, preauthorization, preauthorizationId, command, newCause());
  const base = { preauthorizationId, by: the.ada };
  await tell({ type: 'CreatePreauthorization', ...base, terms: rule, at: the.at });
  const { requestId } = the.first;
  const use = { username: the.username, requestId, credentialId: id, csrFingerprint: null };
  const { position } = await tell({ type: 'UsePreauthorization', ...base, ...use, at: the.at });
  assert.ok(await world.models.reached(position ?? '', 10_000));
  world.clock.at = near(the.at, 10 * orphanAgeMs);
  assert.is(await sweep(world.options), 0);
  assert.ok(await kept(world, id));
  world.clock.at = near(the.afterwards, 1);
  assert.is(await sweep(world.options), 1);
});
test('a verifier of who was refused tells its owner so for thirty days', async (world) => {
  const id = await world.vault.keep(secret(the.username));
  await change(world, { ...asks, credentialId: id });
  await change(world, the.deny());
  world.clock.at = near(the.at, 30 * dayMs);
  assert.is(await sweep(world.options), 0);
  world.clock.at = near(the.at, 30 * dayMs + 1);
  assert.equal(world.forgotten, []);
  assert.is(await sweep(world.options), 1);
  assert.not.ok(await kept(world, id));
  assert.equal(world.forgotten, [the.username], 'no remembered password knows it either');
});
test('a personal key stays as long as its name has a history', async (world) => {
  const key = { kind: 'personal-key' as const, username: the.username, key: 'A'.repeat(43) };
  const [used, unused] = [await world.vault.keep(key), await world.vault.keep(key)];
  await change(world, { ...asks, personalKeyId: used });
  await change(world, the.deny());
  world.clock.at = '2036-01-01T00:00:00.000Z';
  assert.is(await sweep(world.options), 1);
  assert.ok(await kept(world, used));
  assert.not.ok(await kept(world, unused));
});
test('what a change made useless is destroyed with it', async (world) => {
  const id = await world.vault.keep(secret(the.username));
  await change(world, { ...asks, credentialId: id });
  await change(world, the.grant());
  await change(world, the.rotate());
  assert.not.ok(await kept(world, id));
});

/** Rows as they were after so many events, and stay. */
async function behind(
  { store }: World,
  count: number,
  look: (rows: SweepOptions['rows']) => Promise<void>,
) {
  const file = rowsFile();
  try {
    const models = file.open({ logId: store.logId });
    models.apply((await store.readAll(beginning, 1_000)).slice(0, count));
    await look(rowsOf(models));
  } finally {
    file.remove();
  }
}

test('what the log names stays, though the rows do not know it yet', async (world) => {
  const key = { kind: 'personal-key' as const, username: the.username, key: 'A'.repeat(43) };
  const [opens, sealing, orphan] = [
    await world.vault.keep(secret(the.username)),
    await world.vault.keep(key),
    await world.vault.keep(secret(the.username)),
  ];
  await change(world, { ...asks, credentialId: opens, personalKeyId: sealing });
  await change(world, the.grant());
  world.clock.at = '2036-01-01T00:00:00.000Z';
  await behind(world, 0, async (rows) => {
    assert.is(await sweep({ ...world.options, rows }), 1);
  });
  assert.ok((await kept(world, opens)) && (await kept(world, sealing)));
  assert.not.ok(await kept(world, orphan));
});
test('who was refused anew lately is told so, though the rows know of an old refusal only', async (world) => {
  const [old, recent] = [
    await world.vault.keep(secret(the.username)),
    await world.vault.keep(secret(the.username)),
  ];
  await change(world, { ...asks, credentialId: old });
  await change(world, the.deny());
  const at = near(the.at, 40 * dayMs);
  world.clock.at = at;
  await change(world, {
    ...the.knock(the.stranger),
    windowId: the.nextWindow,
    credentialId: recent,
    at,
  });
  await change(world, { ...the.deny({ requestId: the.stranger.requestId }), at });
  await behind(world, 2, async (rows) => {
    assert.is(
      await sweep({ ...world.options, rows }),
      0,
      'the first one went with the second request',
    );
  });
  assert.ok(await kept(world, recent));
  assert.equal(world.forgotten, []);
});
test('a sweep ends between two secrets when the service stops', async (world) => {
  const stop = new AbortController();
  await world.vault.keep(secret(the.username));
  await world.vault.keep(secret(the.username));
  world.vault.onDestroyed(() => stop.abort());
  world.clock.at = '2036-01-01T00:00:00.000Z';
  assert.is(await sweep({ ...world.options, signal: stop.signal }), 1);
  assert.is(await sweep(world.options), 1);
});
test('a service that stops does not wait for the next sweep', async (world) => {
  const stop = new AbortController();
  const sweeping = startSweeping({ ...world.options, signal: stop.signal });
  stop.abort();
  await sweeping;
});

test.run();
