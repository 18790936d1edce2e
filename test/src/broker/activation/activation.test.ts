/** The process manager over fakes of brokers: one that is down, one that forgets, one that refuses. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { client } from '../../../../domain/client/client.ts';
import { compiled } from '../../../../domain/matching.ts';
import { noRights } from '../../../../domain/rights.ts';
import type { Authority } from '../../../../src/authority.ts';
import { startActivation } from '../../../../src/broker/activation/activation.ts';
import {
  type Broker,
  type BrokerAccount,
  BrokerDown,
  BrokerRefused,
} from '../../../../src/broker/ports/broker.ts';
import { handle, newCause } from '../../../../src/commands/handle.ts';
import { createLogger } from '../../../../src/logger.ts';
import { allCustomProjections, allProjections, rowsOf } from '../../../../src/read-models/all.ts';
import { followLog } from '../../../../src/read-models/follow.ts';
import { openReadModels } from '../../../../src/read-models/read-models.ts';
import type { EventStore } from '../../../../src/store/event-store.ts';
import * as the from '../../../support/client.ts';
import { memoryDisk, memoryStore } from '../../../support/event-store/memory-store.ts';
import { until } from '../../../support/mqtt-peers.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('activation');
const folders: string[] = [];
test.after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A broker in memory that keeps accounts; `faults` are thrown by the next calls, one each. */
class FakeBroker implements Broker {
  readonly kind: Broker['kind'];
  readonly name: string;
  readonly accounts = new Map<string, string>();
  readonly calls: string[] = [];
  readonly refused = new Set<string>();
  isUp = true;
  faults = 0;
  #back: () => void = () => undefined;

  constructor(name: string, kind: Broker['kind'] = 'mosquitto') {
    this.name = name;
    this.kind = kind;
  }

  #call(what: string): void {
    if (!this.isUp) throw new BrokerDown(this.name);
    this.calls.push(what);
    if (this.faults-- > 0) throw new BrokerDown(this.name);
  }
  comeBack(): void {
    this.isUp = true;
    this.#back();
  }
  status = () => (this.isUp ? ('up' as const) : ('down' as const));
  onUp = (listener: () => void) => {
    this.#back = listener;
  };
  urls = () => [];
  readonly takesPasswords = false;
  stage = () => false;
  hold = async (username: string) => this.#call(`hold ${username}`);
  async activate({ username, credentialId }: Parameters<Broker['activate']>[0]) {
    this.#call(`activate ${username}`);
    if (this.refused.has(username)) throw new BrokerRefused(`${username} is somebody else's`);
    this.accounts.set(username, credentialId);
    return { active: true as const, sessionsClosed: 0 };
  }
  async deactivate(username: string) {
    this.#call(`deactivate ${username}`);
    this.accounts.delete(username);
    return 3;
  }
  setAuthorization = async () => undefined;
  disconnect = async () => 0;
  connected = () => null;
  hasSession = async () => null;
  list = async (): Promise<BrokerAccount[]> => {
    if (!this.isUp) throw new BrokerDown(this.name);
    return [...this.accounts].map(([username, credentialId]) => ({
      ...{ username, enabled: true, mark: { credentialId }, rights: '' },
    }));
  };
  rightsOf = () => '';
  close = async () => undefined;
}

const disks = new Map<ReturnType<typeof memoryDisk>, string>();

/** A manager over a store; the same disk again is the process started anew. */
async function running(brokers: readonly Broker[], disk = memoryDisk()) {
  const memory = memoryStore(disk);
  const reads: string[] = [];
  const store: EventStore = {
    ...memory,
    read(stream) {
      reads.push(stream);
      return memory.read(stream);
    },
  };
  const folder = disks.get(disk) ?? mkdtempSync(join(tmpdir(), 'gatebook-activation-'));
  disks.set(disk, folder);
  folders.push(...(folders.includes(folder) ? [] : [folder]));
  const readModels = openReadModels({
    file: join(folder, 'rows.sqlite'),
    logId: store.logId,
    head: await store.head(),
    projections: allProjections,
    customProjections: allCustomProjections,
  });
  const rows = rowsOf(readModels);
  const ending = new AbortController();
  const { signal } = ending;
  const logger = createLogger({ level: 'error', write: () => undefined });
  const following = followLog({ store, readModels, logger, signal });
  const now = () => new Date().toISOString();
  const active: Authority['active'] = (username) => {
    const row = rows.access.get(username);
    return row?.status === 'active'
      ? { row, effective: [], permissions: compiled([]), holdsHttpRights: false }
      : undefined;
  };
  const manager = startActivation({
    ...{ store, readModels, rows, brokers, logger, signal, now },
    authority: { active } as Authority,
  });
  const by = { kind: 'user' as const, name: 'admin' };
  const change = async (username: string, command: object) => {
    const { position } = await handle(
      store,
      client,
      username,
      { username, reason: null, at: now(), by, windowId: null, ...command } as never,
      newCause(),
    );
    return position ?? '';
  };
  return {
    manager,
    disk,
    reads,
    rows,
    create: (username: string) =>
      change(username, {
        type: 'CreateClient',
        credentialId: crypto.randomUUID(),
        rights: noRights,
        httpLimit: null,
      }),
    ask: (username: string) => change(username, the.knock({ ...the.first, username })),
    revoke: (username: string) => change(username, { type: 'RevokeAccess' }),
    active: (username: string, broker: string) =>
      rows.activations.get(username)?.brokers[broker]?.active,
    recorded: () =>
      disk.log
        .filter(({ stream }) => stream.startsWith('activation-'))
        .map(({ stream, type, data }) => `${stream} ${type} ${data.broker}`),
    async stop() {
      ending.abort();
      await Promise.all([manager.ended, following.ended]);
      const checkpoint = readModels.getBookmark('activation-checkpoint here');
      readModels.close();
      await store.close();
      return { checkpoint };
    },
  };
}

test('how far a broker is is kept when the worker ends', async () => {
  const world = await running([new FakeBroker('here')]);
  let newest = '';
  for (const name of ['press-1', 'press-2', 'press-3']) {
    newest = await world.create(name);
    assert.ok(await world.manager.settled(newest, 10_000));
  }
  const { checkpoint = '' } = await world.stop();
  assert.ok(checkpoint >= newest, `${checkpoint} is not yet ${newest}`);
});

test('the first acknowledgement for a client reads nothing, but where another broker was first', async () => {
  const alone = await running([new FakeBroker('here')]);
  assert.ok(await alone.manager.settled(await alone.create('press-1'), 10_000));
  assert.not(alone.reads.includes('activation-press-1'));
  assert.ok(await alone.manager.settled(await alone.revoke('press-1'), 10_000));
  assert.ok(alone.reads.includes('activation-press-1'));
  await alone.stop();

  const both = await running([new FakeBroker('here'), new FakeBroker('there')]);
  assert.ok(await both.manager.settled(await both.create('press-1'), 10_000));
  assert.equal(both.recorded().sort(), [
    'activation-press-1 CredentialActivated here',
    'activation-press-1 CredentialActivated there',
  ]);
  await both.stop();
});

test('who asks is held where accounts are kept; the embedded broker has none and is not asked', async () => {
  const [keeping, own] = [new FakeBroker('here'), new FakeBroker('embedded', 'embedded')];
  const world = await running([keeping, own]);
  assert.ok(await world.manager.settled(await world.ask('press-1'), 10_000));
  assert.equal([keeping.calls, own.calls], [['hold press-1'], []]);
  await world.create('press-2');
  assert.ok(await world.manager.settled(await world.revoke('press-2'), 10_000));
  assert.ok(own.calls.includes('deactivate press-2'));
  await world.stop();
});

test('a broker that is down holds up nobody, and is caught up when it is back', async () => {
  const [here, away] = [new FakeBroker('here'), new FakeBroker('away')];
  away.isUp = false;
  const world = await running([here, away]);
  const at = await world.create('press-1');
  // Down: it is not waited for, and the answer is that not everything is in force.
  assert.is(await world.manager.settled(at, 1_000_000), false);
  await until(() => world.active('press-1', 'here') === true);
  assert.is(world.active('press-1', 'away'), undefined);
  assert.is(world.manager.states()[1]?.status, 'down');

  away.comeBack();
  await until(() => world.active('press-1', 'away') === true);
  const after = await world.create('press-2');
  assert.is(await world.manager.settled(after, 10_000), true);
  assert.equal(
    world.manager.states().map(({ lagEvents }) => lagEvents <= 2),
    [true, true],
  );
  await world.stop();
});

test('a call that fails is made again until it is done, and recorded once', async () => {
  const broker = new FakeBroker('flaky');
  const world = await running([broker]);
  broker.faults = 2;
  await world.create('press-1');
  await until(() => world.active('press-1', 'flaky') === true);
  assert.is(broker.calls.filter((call) => call === 'activate press-1').length, 3);
  assert.equal(world.recorded(), ['activation-press-1 CredentialActivated flaky']);
  await world.stop();
});

test('one that is refused is noted with the reason and holds up no other', async () => {
  const broker = new FakeBroker('strict');
  const world = await running([broker]);
  broker.refused.add('press-1');
  await world.create('press-1');
  assert.is(await world.manager.settled(await world.create('press-2'), 10_000), true);
  assert.equal(world.manager.obstacle('strict', 'press-1'), {
    status: 'failed',
    detail: "press-1 is somebody else's",
  });
  assert.is(world.active('press-2', 'strict'), true);

  broker.refused.clear();
  await world.manager.reconcile('strict', true);
  await until(() => world.active('press-1', 'strict') === true);
  assert.is(world.manager.obstacle('strict', 'press-1'), undefined);
  await world.stop();
});

test('killed at any point and started again, it ends at the same and records nothing twice', async () => {
  const broker = new FakeBroker('there');
  let world = await running([broker]);
  await world.create('press-1');
  await world.manager.settled(await world.create('press-2'), 10_000);
  await world.manager.settled(await world.revoke('press-2'), 10_000);
  const recorded = world.recorded();
  assert.equal(recorded.slice(-1), ['activation-press-2 CredentialDeactivated there']);
  await world.stop();

  // The checkpoint is lost with the rows: every event is heard again.
  const { disk } = world;
  disks.delete(disk);
  world = await running([broker], disk);
  await until(() => world.manager.states()[0]?.lagEvents === 0);
  assert.equal(world.recorded(), recorded);
  assert.equal([...broker.accounts.keys()], ['press-1']);

  // Acknowledged by the broker, but the process died before it was recorded.
  await world.stop();
  disk.log.splice(
    disk.log.findIndex(({ stream }) => stream === 'activation-press-1'),
    1,
  );
  disk.streams.delete('activation-press-1');
  disks.delete(disk);
  world = await running([broker], disk);
  await until(() => world.active('press-1', 'there') === true);
  await world.stop();
});

test('a broker that comes back empty, or meddled with, is brought to what the log says', async () => {
  const broker = new FakeBroker('empty');
  const world = await running([broker]);
  await world.manager.settled(await world.create('press-1'), 10_000);
  broker.isUp = false;
  broker.accounts.clear();
  broker.accounts.set('stranger', 'x');
  broker.comeBack();
  await until(() => broker.accounts.has('press-1'));
  const state = await world.manager.reconcile('empty', true);
  assert.equal(state?.drift, [{ username: 'stranger', kind: 'stranger' }]);
  assert.is(broker.accounts.get('stranger'), 'x');
  assert.is(await world.manager.reconcile('another', true), undefined);
  await world.stop();
});

test.run();
