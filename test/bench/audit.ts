/**
 * Measures the audit on a log of so many events, made by the deciders through the real store:
 * `node test/bench/audit.ts 1000000`. The folder is removed afterwards.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, statSync } from 'node:fs';
import { copyFile, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { activation } from '../../domain/activation.ts';
import { client } from '../../domain/client.ts';
import type { ClientCommand } from '../../domain/client-commands.ts';
import { role } from '../../domain/role.ts';
import { system } from '../../domain/values.ts';
import { registryId, window } from '../../domain/window.ts';
import { activations } from '../../projections/activations.ts';
import { clients } from '../../projections/clients.ts';
import { history as historyProjection } from '../../projections/history.ts';
import { requests } from '../../projections/requests.ts';
import { roles } from '../../projections/roles.ts';
import { windowProjection } from '../../projections/window.ts';
import { accessAt } from '../../src/audit/access-at.ts';
import { exportLines } from '../../src/audit/export.ts';
import { includes, isConsistent } from '../../src/audit/merkle.ts';
import { linesOf } from '../../src/audit/ndjson.ts';
import { clientAt, momentOf, registryAt } from '../../src/audit/state-at.ts';
import { merkleTree } from '../../src/audit/tree.ts';
import { type Verdict, verifyExport } from '../../src/audit/verify.ts';
import { createWhatIf } from '../../src/audit/what-if.ts';
import { sealField } from '../../src/credentials/personal.ts';
import { handle, newCause } from '../../src/handle.ts';
import { allKeepers, allProjections } from '../../src/read-models/all.ts';
import { openReadModels } from '../../src/read-models/read-models.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';

const wanted = Number(process.argv[2] ?? 100_000);
const atOnce = 200;
const eventsEach = 11;
const ada = { kind: 'user', name: 'admin' } as const;
const folder = await mkdtemp(join(tmpdir(), 'gatebook-audit-'));
const megabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024).toLocaleString('en')} MB`;
const say = (what: string, value: string) => console.log(`${what.padEnd(44)}${value}`);

let clockMs = Date.parse('2026-01-01T00:00:00.000Z');
const now = () => {
  clockMs += 10;
  return new Date(clockMs).toISOString();
};

async function timed<Result>(what: string, work: () => Result | Promise<Result>): Promise<Result> {
  const startedMs = performance.now();
  const result = await work();
  say(what, `${(performance.now() - startedMs).toFixed(1)} ms`);
  return result;
}

async function rated<Result>(what: string, count: number, work: () => Promise<Result>) {
  const startedMs = performance.now();
  const result = await work();
  const seconds = (performance.now() - startedMs) / 1_000;
  const rate = Math.round(count / seconds).toLocaleString('en');
  say(what, `${seconds.toFixed(1)} s, ${rate}/s, resident ${megabytes(process.memoryUsage().rss)}`);
  return result;
}

const file = join(folder, 'log.sqlite');
const store = openSqliteStore({ file });

async function decided(username: string, command: ClientCommand): Promise<void> {
  const { decision } = await handle(store, client, username, command, newCause());
  if (!decision.accepted) throw new Error(`${command.type}: ${decision.refusal}`);
}

const record = (username: string, active: string | null) => {
  const known = { username, broker: 'embedded', at: now(), by: system };
  return handle(
    store,
    activation,
    username,
    active === null
      ? { ...known, type: 'RecordDeactivation', sessionsClosed: 1 }
      : { ...known, type: 'RecordActivation', credentialId: active },
    newCause(),
  );
};

/** One client's life: asks, is granted, gets other rights, is suspended and resumed, and half are revoked. */
async function life(number: number, windowId: string): Promise<void> {
  const username = `press-${number}`;
  const [requestId, credentialId, keyId] = [randomUUID(), randomUUID(), randomUUID()];
  const key = randomBytes(32);
  const sealed = (field: string, value: unknown) => sealField(key, keyId, username, field, value);
  const rights = { roles: ['press'], permissions: [], mqttPublishPrefix: null };
  const all = { ...rights, mqttClientId: null, expiresAt: null };
  const own = {
    context: 'mqtt' as const,
    operation: 'read' as const,
    resource: `hall/${number % 50}/#`,
  };
  const ask = (): ClientCommand => ({
    type: 'RequestRegistration',
    ...{ username, requestId, credentialId, windowId, matched: null, gate: 'open', room: 'free' },
    ...{ holdsHttpRights: false, flow: 'explicit', pairingId: 'a1b2c3', personalKeyId: keyId },
    expiresAt: '2027-01-01T00:00:00.000Z',
    source: sealed('source', '10.4.0.17'),
    clientId: null,
    context: sealed('context', { model: 'P-400', site: 'hall 7' }),
    ...{ requestedRoles: ['press'], requestedPermissions: [] },
    ...{ at: now(), by: { kind: 'client', name: username } },
  });
  const change = () => ({ username, reason: null, windowId, at: now(), by: ada });
  await decided(username, ask());
  await decided(username, {
    type: 'GrantRegistration',
    ...{ ...change(), requestId, rights, confirmContested: false, inBulk: false },
    holdsHttpRights: false,
  });
  await record(username, credentialId);
  for (const permissions of [[own], [], [own]])
    await decided(username, {
      type: 'ChangeAuthorization',
      ...{ ...change(), rights: { ...all, permissions }, holdsHttpRights: false },
    });
  await decided(username, { type: 'SuspendAccess', ...change() });
  await record(username, null);
  await decided(username, { type: 'ResumeAccess', ...change() });
  await record(username, credentialId);
  if (number % 2 === 0) return;
  await decided(username, { type: 'RevokeAccess', ...change() });
  await record(username, null);
}

async function generate(): Promise<void> {
  const windowId = randomUUID();
  const limits = { maxRequests: 1_000_000, usernamePattern: null, sources: [], note: null };
  await handle(
    store,
    window,
    registryId,
    {
      type: 'UnlockRegistry',
      windowId,
      until: '2027-01-01T00:00:00.000Z',
      limits,
      at: now(),
      by: ada,
    },
    newCause(),
  );
  const permissions = [
    { context: 'mqtt' as const, operation: 'readWrite' as const, resource: `plant/\${username}/#` },
  ];
  await handle(
    store,
    role,
    'press',
    { type: 'DefineRole', name: 'press', permissions, description: null, at: now(), by: ada },
    newCause(),
  );
  const clientCount = Math.round(wanted / eventsEach);
  let next = 0;
  const worker = async () => {
    while (next < clientCount) await life(next++, windowId);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function exported(path: string, tree: Parameters<typeof exportLines>[1]): Promise<void> {
  const out = createWriteStream(path);
  for await (const lines of exportLines(store, tree, 0))
    if (!out.write(lines)) await once(out, 'drain');
  out.end();
  await once(out, 'finish');
}

/** The export of a copy of the log that somebody laid hands on. */
async function tampered(sql: string, path: string, tree: Parameters<typeof exportLines>[1]) {
  const copy = join(folder, 'bad.sqlite');
  await copyFile(file, copy);
  const database = new DatabaseSync(copy);
  database.exec(sql);
  database.close();
  const log = openSqliteStore({ file: copy });
  try {
    const lines: Buffer[] = [];
    await using out = await open(path, 'w');
    const flush = async () => void (await out.appendFile(Buffer.concat(lines.splice(0))));
    try {
      for await (const some of exportLines(log, tree, 0)) {
        lines.push(some);
        if (lines.length >= 20) await flush();
      }
    } catch {
      // The tree knows how many there were: it ends where the log does, and says so.
    }
    await flush();
  } finally {
    await log.close();
    await rm(copy, { force: true });
  }
}

/** One line for what verify says. */
function told(what: string, { misfit, cutOff, brokenLine, event, untouched }: Verdict): void {
  const words = [
    untouched ? 'whole and untouched' : '',
    misfit ? `misfit at ${misfit.size}, events ${misfit.after} to ${misfit.size - 1}` : '',
    event ? `event ${event.index} ${event.kind} (${event.type})` : '',
    cutOff ? `cut off at ${cutOff.size} of ${cutOff.expected}` : '',
    brokenLine ? 'last line broken' : '',
  ].filter((word) => word !== '');
  say(what, words.join('; '));
}

try {
  await rated(`generating about ${wanted.toLocaleString('en')} events`, wanted, generate);
  const readModels = openReadModels({
    file: join(folder, 'read-models.sqlite'),
    logId: store.logId,
    head: await store.head(),
    projections: allProjections,
    keepers: allKeepers,
  });
  const size = Number(await store.head());
  await rated('folding all read models and the tree', size, async () => {
    for (;;) {
      const events = await store.readAll(readModels.resume().position, 1_000);
      if (events.length === 0) break;
      readModels.apply(events);
    }
    const [fault] = readModels.faults();
    if (fault) throw fault.error;
  });
  const tree = readModels.kept(merkleTree);
  const history = readModels.rows(historyProjection);
  const past = {
    window: readModels.past(windowProjection),
    clients: readModels.past(clients),
    roles: readModels.past(roles),
    activations: readModels.past(activations),
    atOf: (index: number) => history.get(tree.positionOf(index) ?? '')?.at ?? '',
  };
  say(
    'events, log file, read-model file',
    [
      tree.size().toLocaleString('en'),
      megabytes(statSync(file).size),
      megabytes(statSync(join(folder, 'read-models.sqlite')).size),
    ].join(', '),
  );
  const half = new Date((Date.parse('2026-01-01T00:00:00.000Z') + clockMs) / 2).toISOString();
  const number = Math.round(wanted / eventsEach / 2) - 300;
  for (const round of ['first', 'again']) {
    const moment = await timed(`the moment T (${round})`, () => momentOf(tree, half));
    await timed(`a client's state at T (${round})`, () =>
      clientAt({ store, tree, past }, `press-${number}`, moment),
    );
    const asked = { limit: 100 };
    const one = await timed(`access to one's own topic at T (${round})`, () =>
      accessAt(past, moment, { ...asked, topic: `plant/press-${number}/state` }),
    );
    const hall = await timed(`access to a topic of many at T (${round})`, () =>
      accessAt(past, moment, { ...asked, topic: 'hall/7/state' }),
    );
    await timed(`what one client could do at T (${round})`, () =>
      accessAt(past, moment, { ...asked, username: `press-${number}` }),
    );
    const whole = await timed(`window and counts at T (${round})`, () => registryAt(past, moment));
    say('  rows', `${one.items.length} and ${hall.items.length}; ${whole.counts.active} active`);
  }
  const whatIf = createWhatIf({
    ...{ requests: readModels.rows(requests), window: past.window, tree },
    // Without networks no address is opened.
    personal: { open: () => Promise.reject(new Error('opened')) },
    shown: async (requestId) => requestId,
  });
  const conditions = { usernamePattern: 'press-*7', sources: [] };
  for (const rule of [
    { kind: 'limits', ...conditions, maxRequests: 1_000 },
    { kind: 'preauthorization', ...conditions, effect: 'allow', pairingId: null, maxUses: 100 },
  ] as const) {
    const found = await timed(`what if: ${rule.kind}`, () =>
      whatIf({ rule, limit: 100 }, false, new AbortController().signal),
    );
    say('  requests', `${found?.counts.asked.all}; ${found?.counts.differing} differ`);
  }
  const index = Math.floor(size / 3);
  const root = tree.root();
  await timed('inclusion proof, made and checked', () => {
    const proof = tree.inclusion(index, size);
    if (!includes({ index, size, leaf: tree.leaf(index), root }, proof)) throw new Error('proof');
  });
  await timed('consistency proof, made and checked', () => {
    const first = { size: index, root: tree.rootAt(index) };
    if (!isConsistent(first, { size, root }, tree.consistency(index, size)))
      throw new Error('proof');
  });

  const log = join(folder, 'log.ndjson');
  await rated('export to a file', size, () => exported(log, tree));
  say('export file', megabytes(statSync(log).size));
  const every = Math.ceil(size / 100);
  const checkpoints = Array.from({ length: 100 }, (_, at) => Math.min(size, (at + 1) * every)).map(
    (to) => ({ origin: 'bench', size: to, root: tree.rootAt(to) }),
  );
  const verify = (path: string, trusted?: string) =>
    verifyExport({
      lines: linesOf(path),
      checkpoints,
      trusted: trusted === undefined ? undefined : linesOf(trusted),
    });
  told('verify, untouched', await rated('verify against 100 checkpoints', size, () => verify(log)));

  const place = Math.floor(size / 2);
  await store.close();
  for (const [what, sql] of [
    [
      'a byte changed in the database',
      `UPDATE events SET data = replace(data, '"by":{', '"By":{') WHERE place = ${place}`,
    ],
    ['an event deleted', `DELETE FROM events WHERE place = ${place}`],
    [
      'two events swapped',
      `UPDATE events SET place = -1 WHERE place = ${place};
       UPDATE events SET place = ${place} WHERE place = ${place + 1};
       UPDATE events SET place = ${place + 1} WHERE place = -1`,
    ],
    ['the tail cut off', `DELETE FROM events WHERE place > ${size - 10}`],
  ] as const) {
    const bad = join(folder, 'bad.ndjson');
    await tampered(sql, bad, tree);
    told(what, await verify(bad));
    told('  beside the trusted export', await verify(bad, log));
  }
  readModels.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
