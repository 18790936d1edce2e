/** Clients in every state, with every kind of credential, for tests of certificates. */

import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAuthority } from '../../src/credentials/certificates/authority.ts';
import { clientCertificate, serialFrom } from '../../src/credentials/certificates/x509.ts';
import { newCsr } from './csr.ts';
import { type Door, newName, registerPath, strong } from './door.ts';
import { madeBefore } from './made-before.ts';
import type { ClientIdentity } from './mqtt-over-tls.ts';
import type { World } from './service.ts';
import { assert } from './suite.ts';

/** `key`: a CSR alone; `both`: with a password beside it; `added`: a password that a key was added to. */
export const credentialKinds = ['password', 'key', 'both', 'added'] as const;
export type CredentialKind = (typeof credentialKinds)[number];

export const clientStates = [
  'pending',
  'denied',
  'active',
  'challenged',
  'suspended',
  'resumed',
  'revoked',
  'reinstated',
  'expired',
  'replaced',
  'rotated',
  'erased',
] as const;
export type ClientState = (typeof clientStates)[number];

export interface Certified {
  readonly username: string;
  readonly kind: CredentialKind;
  readonly state: ClientState;
  /** Of the credential that it had first; null: it has a key alone. */
  readonly password: string | null;
  /** Its key, and the certificate that was issued for it; null: none was. */
  readonly identity: ClientIdentity | null;
}

const pemOf = (key: ReturnType<typeof newCsr>['privateKey']) =>
  key.export({ type: 'pkcs8', format: 'pem' }) as string;

export const mqttRights = {
  permissions: [{ context: 'mqtt', resource: 'plant/#', operation: 'readWrite' }],
};

/** Asks for access, is granted, and has its certificate. */
export async function certified(
  world: World,
  door: Door,
  kind: CredentialKind = 'key',
  { username = newName(), rights = {}, until = 'active' as 'pending' | 'denied' | 'active' } = {},
): Promise<Omit<Certified, 'state'>> {
  const { csr, privateKey } = newCsr(username);
  const password = kind === 'key' ? null : strong();
  const ask = (more: object) =>
    world.call('POST', registerPath, {
      token: null,
      body: { username, ...(password !== null && { password }), ...more },
    });
  const first = kind === 'password' || kind === 'added' ? {} : { csr };
  const { status, body } = await ask(first);
  assert.is(status, 202, JSON.stringify(body));
  const none = { username, kind, password, identity: null };
  if (until === 'pending') return none;
  if (until === 'denied') {
    await door.deny(body.requestId);
    return none;
  }
  await door.grant(body.requestId, { ...mqttRights, ...rights });
  if (kind === 'password') return none;
  const told = await ask({ csr });
  assert.is(told.status, 201, JSON.stringify(told.body));
  return { ...none, identity: { key: pemOf(privateKey), cert: told.body.certificate } };
}

/** One of each kind in each state; the window must be open. */
export async function everyCertified(world: World, door: Door): Promise<Certified[]> {
  const made = async (states: readonly ClientState[], endsAt = '') =>
    await Promise.all(
      credentialKinds.flatMap((kind) =>
        states.map(async (state) => {
          const until = state === 'pending' || state === 'denied' ? state : 'active';
          const rights = state === 'expired' ? { expiresAt: endsAt } : {};
          const client = { ...(await certified(world, door, kind, { until, rights })), state };
          await bringInto(door, client);
          return client;
        }),
      ),
    );
  const { made: expiring, endsAt } = await madeBefore(4_000, (ends) => made(['expired'], ends));
  const others = await made(clientStates.filter((state) => state !== 'expired'));
  await sleep(Math.max(0, Date.parse(endsAt) - Date.now() + 1));
  return [...expiring, ...others];
}

async function bringInto(door: Door, { username, state }: Certified) {
  const challenge = async () => assert.is((await door.ask(username, strong())).status, 409);
  switch (state) {
    case 'challenged':
      return await challenge();
    case 'replaced': {
      await challenge();
      const requests = await door.requestsOf(username);
      const one = requests.find(({ kind }: { kind: string }) => kind === 'replacement');
      await door.grant(one.requestId, mqttRights);
      return;
    }
    case 'suspended':
      await door.change(username, 'suspend');
      return;
    case 'resumed':
      await door.change(username, 'suspend');
      await door.change(username, 'resume');
      return;
    case 'revoked':
      await door.change(username, 'revoke');
      return;
    case 'reinstated':
      await door.change(username, 'revoke');
      await door.change(username, 'reinstate');
      return;
    case 'rotated':
      await door.change(username, 'rotate');
      return;
    case 'erased':
      await door.change(username, 'erase');
      return;
    case 'pending':
    case 'denied':
    case 'active':
    case 'expired':
      return;
  }
}

/** A CA that is nobody's: it issues a certificate for any name. */
export async function strangersAuthority() {
  const keysDir = await mkdtemp(join(tmpdir(), 'gatebook-stranger-'));
  const now = () => new Date().toISOString();
  const ca = await openAuthority({ keysDir, given: null, now });
  await rm(keysDir, { recursive: true });
  const issued = new Map<string, ClientIdentity>();
  return (username: string): ClientIdentity => {
    const known = issued.get(username);
    if (known !== undefined) return known;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const certificate = clientCertificate(ca, username, {
      serial: serialFrom(Buffer.alloc(16, 7)),
      publicKey,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 3_600_000),
    });
    const identity = { key: pemOf(privateKey), cert: `${certificate}${ca.chainPem}` };
    issued.set(username, identity);
    return identity;
  };
}
