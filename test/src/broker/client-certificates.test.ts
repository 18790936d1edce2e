/**
 * Every client with every credential, at every MQTT listener, by every setting: who is let in (WIRE, "MQTT TLS").
 * Every fourth of them, others at each run; `npm run matrix` tries them all.
 */

import {
  type Certified,
  certified,
  type credentialKinds,
  everyCertified,
  strangersAuthority,
} from '../../support/certified.ts';
import { type Door, doorOf, strong } from '../../support/door.ts';
import { type ClientIdentity, connectedOverTls } from '../../support/mqtt-over-tls.ts';
import { type Connect, connected } from '../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

interface Here {
  world: World;
  door: Door;
  clients: readonly Certified[];
  other: Omit<Certified, 'state'>;
  strangers: (username: string) => ClientIdentity;
}

const test = suite<Here>('client certificates at MQTT');

const modes = ['either', 'certificate', 'both'] as const;
const gates = ['locked', 'open'] as const;
const listeners = ['mqtt', 'mqtts', 'wss'] as const;
const certificates = ['none', 'foreign', 'own'] as const;
const passwords = ['absent', 'right', 'wrong'] as const;
const usernames = ['absent', 'own', 'another'] as const;

interface Cell {
  readonly mode: (typeof modes)[number];
  readonly gate: (typeof gates)[number];
  readonly listener: (typeof listeners)[number];
  readonly certificate: (typeof certificates)[number];
  readonly password: (typeof passwords)[number];
  readonly username: (typeof usernames)[number];
  readonly client: Certified;
}

const settings = (mode: Cell['mode']) => ({
  GATEBOOK_MQTT_TLS_CLIENT_AUTH: mode,
  ...{ GATEBOOK_MQTT_TLS_PORT: '0', GATEBOOK_MQTT_WSS_PORT: '0' },
  ...(mode !== 'either' && { GATEBOOK_MQTT_PORT: 'off', GATEBOOK_MQTT_WS_PORT: 'off' }),
});

/** What can be said at all: a certificate that was issued, a password that there is, beside a username [MQTT-3.1.2-22]. */
const isPossible = ({ mode, listener, certificate, password, username, client }: Cell): boolean =>
  !(certificate === 'own' && client.identity === null) &&
  !(password !== 'absent' && username === 'absent') &&
  !(password === 'right' && client.password === null) &&
  !(listener === 'mqtt' && (mode !== 'either' || certificate !== 'none'));

const opensAlone: readonly (typeof credentialKinds)[number][] = ['password', 'added'];

/** Of the specification, not of the code. */
function letsIn({ mode, certificate, password, username, client }: Cell): boolean {
  const { state, kind } = client;
  if (state !== 'active' && state !== 'challenged' && state !== 'resumed') return false;
  if (certificate === 'own')
    return (
      username !== 'another' && (password === 'right' || (password === 'absent' && mode !== 'both'))
    );
  return (
    mode === 'either' && username === 'own' && password === 'right' && opensAlone.includes(kind)
  );
}

const cellsOf = (clients: readonly Certified[], mode: Cell['mode'], gate: Cell['gate']) =>
  clients.flatMap((client) =>
    listeners.flatMap((listener) =>
      certificates.flatMap((certificate) =>
        passwords.flatMap((password) =>
          usernames
            .map(
              (username): Cell => ({
                ...{ mode, gate, listener, certificate, password, username, client },
              }),
            )
            .filter(isPossible),
        ),
      ),
    ),
  );

const nameOfCell = ({ client, ...cell }: Cell): string =>
  `${client.kind} ${client.state} ${Object.entries(cell).flat().join(' ')}`;

async function codeAt({ world, other, strangers }: Here, cell: Cell): Promise<number> {
  const { client, listener, certificate, password, username } = cell;
  const names = { absent: undefined, own: client.username, another: other.username };
  const secrets = { absent: undefined, right: client.password ?? undefined, wrong: strong() };
  const [name, secret] = [names[username], secrets[password]];
  const options: Connect = {
    ...{ version: 5, clientId: '' },
    ...(name !== undefined && { username: name }),
    ...(secret !== undefined && { password: secret }),
  };
  if (listener === 'mqtt') {
    const raw = await connected(world.mqtt.port, options);
    raw.end();
    return raw.code;
  }
  const shown = {
    none: {},
    foreign: strangers(client.username),
    own: client.identity ?? {},
  };
  const url = world.running.ready[listener] as string;
  const ca = world.running.app.ca.chainPem;
  const raw = await connectedOverTls(url, { ca, ...shown[certificate] }, options);
  raw.end();
  return raw.code;
}

const everyNth = process.env.MATRIX === 'whole' ? 1 : 4;

/** Other ones at each run, so that all have their turn. */
function some(cells: readonly Cell[]): Cell[] {
  const first = Math.floor(Math.random() * everyNth);
  return cells.filter((_, place) => place % everyNth === first);
}

/** The requests so far, however they went on. */
const asked = async (door: Door): Promise<string[]> =>
  (await door.must(200, 'GET', '/api/client-registry/requests?limit=1000')).body.items.map(
    ({ requestId }: { requestId: string }) => requestId,
  );

const atOnce = 16;

async function wrongOf(here: Here, cells: readonly Cell[]): Promise<string[]> {
  const wrong: string[] = [];
  const left = [...cells];
  const one = async () => {
    for (let cell = left.pop(); cell !== undefined; cell = left.pop()) {
      const code = await codeAt(here, cell);
      if (code !== (letsIn(cell) ? 0 : 0x87)) wrong.push(`${nameOfCell(cell)}: ${code}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return wrong;
}

test.before(async (here) => {
  here.strangers = await strangersAuthority();
  here.world = await startRegistry({
    ...settings('either'),
    GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0',
  });
  here.door = doorOf(here.world);
  await here.door.unlock({ maxRequests: 10_000 });
  here.other = await certified(here.world, here.door, 'added');
  here.clients = await everyCertified(here.world, here.door);
});
test.after(({ world }) => world.stop());

for (const mode of modes)
  for (const gate of gates)
    test(`${mode}, ${gate}: every client, credential and listener`, async (here) => {
      const { world, door, clients } = here;
      // What was open is locked at a start.
      if (gate === 'locked') await world.restart(settings(mode));
      await (gate === 'open' ? door.unlock({ maxRequests: 10_000 }) : door.lock());
      const cells = some(cellsOf(clients, mode, gate));
      // Somebody with a certificate asks for nothing, whatever comes along.
      const byCertificate = cells.filter(({ certificate }) => certificate === 'own');
      const before = await asked(door);
      assert.equal(await wrongOf(here, byCertificate), []);
      assert.equal(await asked(door), before);
      const others = cells.filter(({ certificate }) => certificate !== 'own');
      assert.equal(await wrongOf(here, others), []);
      if (mode !== 'either') assert.equal(await asked(door), before);
      console.log(`  ${mode}, ${gate}: ${cells.length} connects`);
    });

test.run();
