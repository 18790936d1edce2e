/**
 * Fills a data folder quickly, in a process of its own: what the domain decides is appended by the store itself,
 * without the service, many in one commit. `node test/bench/bulk.ts FOLDER clients 100000` makes active
 * clients `device-0` … with the passwords of `names.ts`; `… stories 1000000` makes about so many events
 * of whole stories. The folder must have been served once (it has its keys then). Prints JSON.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { activation } from '../../domain/activation.ts';
import { type ClientCommand, client } from '../../domain/client/client.ts';
import { deviceName, secretOf } from '../../src/bench/names.ts';
import { newCause } from '../../src/commands/handle.ts';
import { openKeys } from '../../src/credentials/keys/folder.ts';
import { createPasswords } from '../../src/credentials/passwords/passwords.ts';
import { createVault } from '../../src/credentials/vault.ts';
import { type EventStore, noStream } from '../../src/store/event-store.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';

/** Appends that wait together, and so share commits. */
const atOnce = 2_000;
const by = { kind: 'user', name: 'admin' } as const;
const broker = 'embedded';
const rights = {
  roles: [],
  permissions: [{ context: 'mqtt', operation: 'readWrite', resource: `plant/\${username}/#` }],
  mqttPublishPrefix: null,
  mqttClientId: null,
  expiresAt: null,
} as const;

type Step = (state: typeof client.initial) => ClientCommand;
type Command = Extract<ClientCommand, { type: 'CreateClient' }>;

interface Filling {
  readonly store: EventStore;
  /** Keeps what a new credential needs; its ids. */
  secrets(username: string, n: number): Promise<{ credentialId: string; personalKeyId: string }>;
  events: number;
}

/** Decides the steps one after the other, and appends all that was decided at once. */
async function append(filling: Filling, username: string, steps: readonly Step[]): Promise<void> {
  const metadata = newCause();
  let state = client.initial;
  const events = steps.flatMap((step) => {
    const decision = client.decide(step(state), state);
    if (!decision.accepted) throw new Error(`${username}: ${decision.refusal}`);
    state = decision.events.reduce(client.evolve, state);
    return decision.events.map((event) => ({ ...event, eventId: randomUUID(), metadata }));
  });
  await filling.store.append(`client-${username}`, noStream, events);
  filling.events += events.length;
}

async function activate(filling: Filling, username: string, credentialId: string, ends: boolean) {
  const common = {
    username,
    broker,
    at: new Date().toISOString(),
    by: { kind: 'system', name: 'gatebook' },
  } as const;
  const first = activation.decide({ type: 'RecordActivation', credentialId, ...common }, {});
  const last = activation.decide(
    { type: 'RecordDeactivation', sessionsClosed: 0, ...common },
    { [broker]: credentialId },
  );
  const decided = [first, ...(ends ? [last] : [])].flatMap((one) =>
    one.accepted ? one.events : [],
  );
  const events = decided.map((event) => ({
    ...event,
    eventId: randomUUID(),
    metadata: newCause(),
  }));
  await filling.store.append(`activation-${username}`, noStream, events);
  filling.events += events.length;
}

async function activeClient(filling: Filling, n: number): Promise<void> {
  const username = deviceName(n);
  const { credentialId } = await filling.secrets(username, n);
  const created: Omit<Command, 'at'> = {
    ...{ type: 'CreateClient', username, by, credentialId, reason: null, httpLimit: null },
    rights: { ...rights, roles: [], permissions: [...rights.permissions] },
  };
  await append(filling, username, [() => ({ ...created, at: new Date().toISOString() })]);
  await activate(filling, username, credentialId, false);
}

/** Asks, is granted, gets other rights, is suspended and resumed; every other one is revoked. */
async function story(filling: Filling, n: number): Promise<void> {
  const username = `press-${n}`;
  const { credentialId, personalKeyId } = await filling.secrets(username, n);
  const [requestId, windowId] = [randomUUID(), null];
  const common = () => ({ username, at: new Date().toISOString(), by });
  const given = { ...rights, roles: [], permissions: [...rights.permissions] };
  const steps: Step[] = [
    () => ({
      ...{
        type: 'RequestRegistration',
        ...common(),
        matched: null,
        gate: 'open',
        capacity: 'free',
      },
      ...{
        windowId: windowOfStories,
        holdsHttpRights: false,
        requestId,
        credentialId,
        personalKeyId,
      },
      ...{ flow: 'explicit', pairingId: null, source: null, clientId: null, context: null },
      expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
      ...{ requestedRoles: [], csr: null, requestedPermissions: [] },
    }),
    () => ({
      ...{ type: 'GrantRegistration', ...common(), requestId, rights: given, reason: null },
      ...{ confirmContested: false, inBulk: false, holdsHttpRights: false },
    }),
    ...[[], given.permissions, []].map(
      (permissions): Step =>
        () => ({
          ...{ type: 'ChangeAuthorization', ...common(), rights: { ...given, permissions } },
          ...{ reason: null, windowId, holdsHttpRights: false },
        }),
    ),
    () => ({ type: 'SuspendAccess', ...common(), reason: null, windowId }),
    () => ({ type: 'ResumeAccess', ...common(), reason: null }),
    () => ({ type: 'RevokeAccess', ...common(), reason: null, windowId }),
  ];
  const ends = n % 2 === 1;
  await append(filling, username, ends ? steps : steps.slice(0, -1));
  await activate(filling, username, credentialId, ends);
}

const windowOfStories = randomUUID();
const kinds = { clients: activeClient, stories: story };
/** Events of one, on average. */
const eventsEach = { clients: 1, stories: 9 };

if (import.meta.main) {
  const [folder = '', kind = '', wanted = '', from = '0'] = process.argv.slice(2);
  if (kind !== 'clients' && kind !== 'stories') throw new Error('clients or stories');
  const store = openSqliteStore({ file: join(folder, 'log.sqlite') });
  const { pepper } = await openKeys(join(folder, 'keys'));
  const passwords = createPasswords({ pepper });
  const vault = createVault(store);
  const filling: Filling = {
    store,
    events: 0,
    async secrets(username, n) {
      const verifier = passwords.quickVerifierOf(username, secretOf(n));
      if (verifier === null) throw new Error('a bench password is strong');
      const [credentialId, personalKeyId] = await Promise.all([
        vault.keep({ kind: 'verifier', username, verifier }),
        kind === 'clients'
          ? ''
          : vault.keep({
              kind: 'personal-key',
              username,
              key: randomBytes(32).toString('base64url'),
            }),
      ]);
      return { credentialId, personalKeyId };
    },
  };
  const first = Number(from);
  const end = first + Math.round(Number(wanted) / eventsEach[kind]);
  const beganMs = performance.now();
  for (let start = first; start < end; start += atOnce) {
    const size = Math.min(atOnce, end - start);
    await Promise.all(Array.from({ length: size }, (_, i) => kinds[kind](filling, start + i)));
  }
  await store.close();
  const seconds = (performance.now() - beganMs) / 1_000;
  console.log(JSON.stringify({ events: filling.events, made: end - first, seconds }));
}
