/** Two nodes on one log: at once they issue one certificate, renew to one next, and show one list of revoked ones. */

import { callOverTls, certifiedClient } from '../../support/certificate-in-hand.ts';
import { keyPairs, newCsr } from '../../support/csr.ts';
import { doorOf, newName, registerPath, selfPath } from '../../support/door.ts';
import { nodesSuite } from '../../support/kurrentdb/nodes.ts';
import type { World } from '../../support/service.ts';
import { assert } from '../../support/suite.ts';

const test = nodesSuite('several nodes: certificates');

const roundsMax = 8;
const path = '/api/client-registry/certificate';

/** A list without its signature: what is signed is the same everywhere (decision 33). */
async function signedPart(world: World): Promise<Buffer> {
  const der = Buffer.from(await (await fetch(`${world.url}/ca/crl`)).arrayBuffer());
  // A SEQUENCE whose first member is what is signed, each with a length of at most two octets.
  const [, lengthBytes = ''] = /^30(8[12])?/.exec(der.toString('hex')) ?? [];
  const from = 2 + (lengthBytes === '' ? 0 : Number(lengthBytes) - 80);
  return der.subarray(from, from + lengthOf(der, from));
}

function lengthOf(der: Buffer, at: number): number {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return 2 + first;
  const octets = first - 0x80;
  return 2 + octets + der.readUIntBE(at + 2, octets);
}

test('one is issued, one is the next, and both nodes tell the same', async ({ first, second }) => {
  const door = doorOf(first);
  await door.unlock();
  const nodes = [first, second] as const;
  for (let round = 0; round < roundsMax; round++) {
    const username = newName('both');
    const keys = keyPairs.p256();
    const { csr } = newCsr(username, keys);
    const asked = { token: null, body: { username, csr } };
    await door.grant((await first.call('POST', registerPath, asked)).body.requestId);
    const told = await Promise.all(nodes.map((world) => world.call('POST', registerPath, asked)));
    const chains = new Set(
      told.flatMap(({ status, body }) => (status === 201 ? [body.certificate] : [])),
    );
    assert.is(chains.size, 1, JSON.stringify(told.map(({ status, body }) => [status, body.code])));
    const [chain = ''] = chains;

    const shown = certifiedClient(username, keys, chain);
    const other = keyPairs.p256();
    const body = { csr: newCsr(username, other).csr };
    const renewed = await Promise.all(
      [...nodes, ...nodes].map((world) => callOverTls(world, shown, path, { body })),
    );
    assert.equal(
      renewed.map(({ status }) => status),
      [201, 201, 201, 201],
    );
    const nexts = new Set(renewed.map((answer) => answer.body.certificate));
    assert.is(nexts.size, 1);
    const [next = ''] = nexts;
    const events = await door.types(username);
    assert.is(events.filter((type) => type === 'CertificateIssued').length, 2);

    // Its first use at one node ends the old one at the other.
    const taken = await callOverTls(second, certifiedClient(username, other, next), selfPath);
    assert.is(taken.status, 201);
    await first.running.app.readModels.reached(second.running.app.readModels.position(), 5_000);
    assert.is((await callOverTls(first, shown, selfPath)).status, 401);
  }
  await second.running.app.readModels.reached(first.running.app.readModels.position(), 5_000);
  const lists = await Promise.all(nodes.map(signedPart));
  assert.ok(lists[0]?.equals(lists[1] as Buffer));
});

test.run();
