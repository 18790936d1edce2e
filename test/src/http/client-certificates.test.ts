/** Every client with every credential, at every HTTP listener, locked and unlocked: what a certificate in hand is worth there. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { type Certified, everyCertified, strangersAuthority } from '../../support/certified.ts';
import { newCsr } from '../../support/csr.ts';
import { type Door, doorOf, registerPath, selfPath } from '../../support/door.ts';
import type { ClientIdentity } from '../../support/mqtt-over-tls.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';
import { overTls } from '../../support/tls.ts';

interface Here {
  world: World;
  door: Door;
  clients: readonly Certified[];
  strangers: (username: string) => ClientIdentity;
}

const test = suite<Here>('client certificates at HTTP');
test.before(async (here) => {
  here.world = await startRegistry({
    GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0',
    ...{ GATEBOOK_DOOR_PORT: '0', GATEBOOK_DOOR_TLS_PORT: '0' },
  });
  here.door = doorOf(here.world);
  here.strangers = await strangersAuthority();
  await here.door.unlock({ maxRequests: 10_000 });
  here.clients = await everyCertified(here.world, here.door);
});
test.after(({ world }) => world.stop());

const renewalPath = '/api/client-registry/certificate';
const plain = ['http', 'door'] as const;
const secure = ['https', 'doors'] as const;
const certificates = ['none', 'foreign', 'own'] as const;
const gates = ['locked', 'open'] as const;

interface Cell {
  readonly client: Certified;
  readonly listener: (typeof secure)[number];
  readonly certificate: (typeof certificates)[number];
}

const cellsOf = (clients: readonly Certified[]): Cell[] =>
  clients.flatMap((client) =>
    secure.flatMap((listener) =>
      certificates
        .filter((certificate) => certificate !== 'own' || client.identity !== null)
        .map((certificate) => ({ client, listener, certificate })),
    ),
  );

/** Of the specification, not of the code: the status at `requests/self` and at a renewal. */
function statusOf({ client: { state }, certificate }: Cell): number {
  if (certificate !== 'own') return 401;
  switch (state) {
    case 'active':
    case 'challenged':
    case 'resumed':
      return 201;
    case 'suspended':
      return 403;
    case 'revoked':
      return 410;
    // Of an expired one, too: its certificate ended with its access, and what has ended is none.
    default:
      return 401;
  }
}

function csrOf({ username, identity }: Certified): string {
  if (identity === null) return newCsr(username).csr;
  const privateKey = createPrivateKey(identity.key);
  return newCsr(username, { privateKey, publicKey: createPublicKey(privateKey) }).csr;
}

async function ask({ world, strangers }: Here, cell: Cell, path: string, body?: unknown) {
  const { client, listener, certificate } = cell;
  const shown = {
    none: {},
    foreign: strangers(client.username),
    own: client.identity ?? {},
  };
  const { status, text } = await overTls(`${world.running.ready[listener]}${path}`, {
    ...{ ca: world.running.app.ca.chainPem, ...shown[certificate] },
    ...(body !== undefined && { method: 'POST', body }),
  });
  return { status, body: JSON.parse(text) };
}

const nameOf = ({ client, listener, certificate }: Cell): string =>
  `${client.kind} ${client.state} ${listener} ${certificate}`;

/** Asks a few at a time; gives back what was told otherwise than it should be. */
async function unexpected(
  here: Here,
  path: string,
  bodyOf: (cell: Cell) => unknown,
  expected: (cell: Cell) => number,
): Promise<string[]> {
  const wrong: string[] = [];
  const cells = cellsOf(here.clients);
  for (let at = 0; at < cells.length; at += 16)
    await Promise.all(
      cells.slice(at, at + 16).map(async (cell) => {
        const { status } = await ask(here, cell, path, bodyOf(cell));
        if (status !== expected(cell)) wrong.push(`${nameOf(cell)}: ${status}`);
      }),
    );
  return wrong;
}

for (const gate of gates) {
  const turned = async ({ door }: Here) => {
    await door.lock();
    if (gate === 'open') await door.unlock({ maxRequests: 10_000 });
  };

  test(`requests/self and renewal, ${gate}`, async (here) => {
    await turned(here);
    assert.equal(await unexpected(here, selfPath, () => undefined, statusOf), []);
    const csrs = new Map(here.clients.map((client) => [client, csrOf(client)]));
    const renewal = ({ client }: Cell) => ({ csr: csrs.get(client) });
    assert.equal(await unexpected(here, renewalPath, renewal, statusOf), []);
  });
}

test('rights are told to the certificate, and at a port without TLS there is none', async (here) => {
  const { world, clients } = here;
  const client = clients.find(({ kind, state }) => kind === 'key' && state === 'active');
  assert.ok(client);
  for (const listener of secure) {
    const { body } = await ask(here, { client, listener, certificate: 'own' }, selfPath);
    assert.is(body.permissions.length, 1);
  }
  for (const listener of plain) {
    const url = world.running.ready[listener];
    assert.is((await fetch(`${url}${selfPath}`)).status, 401, listener);
    const body = JSON.stringify({ csr: csrOf(client) });
    const headers = { 'content-type': 'application/json' };
    const renewal = await fetch(`${url}${renewalPath}`, { method: 'POST', headers, body });
    assert.is(renewal.status, 401, listener);
  }
});

for (const gate of gates)
  test(`a certificate in hand changes nothing at register, ${gate}`, async (here) => {
    const { door, world, clients } = here;
    await door.lock();
    if (gate === 'open') await door.unlock({ maxRequests: 10_000 });
    const csrs = new Map(clients.map((client) => [client, csrOf(client)]));
    const bodyOf = (client: Certified) => ({ username: client.username, csr: csrs.get(client) });
    const without = new Map<Certified, number>();
    for (const client of clients) {
      const { status } = await world.call('POST', registerPath, {
        ...{ token: null, body: bodyOf(client) },
      });
      without.set(client, status);
    }
    assert.ok(new Set(without.values()).size > 2);
    const wrong = await unexpected(
      here,
      registerPath,
      ({ client }) => bodyOf(client),
      ({ client }) => without.get(client) ?? 0,
    );
    assert.equal(wrong, []);
  });

test('the matrix is as large as it looks', ({ clients }) => {
  const count = cellsOf(clients).length * gates.length * 3;
  assert.ok(count >= 1_300, `${count}`);
});

test.run();
