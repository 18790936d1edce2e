/** What is signed and not recorded: nobody sees it, and the next ask signs anew. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { client } from '../../../domain/client/client.ts';
import { openAuthority } from '../../../src/credentials/certificates/authority.ts';
import { readCsr } from '../../../src/credentials/certificates/csr.ts';
import { createCertificates } from '../../../src/registration/certificates.ts';
import { StoreUnavailable } from '../../../src/store/event-store.ts';
import * as the from '../../support/client.ts';
import { newCsr } from '../../support/csr.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('certificates that were signed');

test('a crash between signing and recording leaves no certificate that anybody has', async () => {
  const keysDir = await mkdtemp(join(tmpdir(), 'gatebook-keys-'));
  const now = () => the.granted().data.at;
  const ca = await openAuthority({ keysDir, given: null, now });
  const { username } = the.granted().data;
  const { key } = readCsr(newCsr(username).csr, username);
  assert.ok(key);
  let state = [the.requested({ csr: key }), the.granted()].reduce(client.evolve, client.initial);
  let isBroken = true;
  const signed: string[] = [];
  const certificates = createCertificates({
    ...{ ca, now, ttlMs: 3_600_000, isServerName: () => false },
    rows: { access: { get: () => ({ ...state, username }) } } as never,
    clients: {
      async decide(
        _name: string,
        decide: (now: typeof state) => Promise<{ decision: ReturnType<typeof client.decide> }>,
      ) {
        const { decision } = await decide(state);
        const events = decision.accepted ? decision.events : [];
        for (const { type, data } of events)
          if (type === 'CertificateIssued') signed.push(data.serial);
        if (isBroken) throw new StoreUnavailable('the process ends here');
        state = events.reduce(client.evolve, state);
        return { decision, state };
      },
    } as never,
  });
  const holder = { username, credentialId: the.first.credentialId };
  const cause = {} as never;
  try {
    await certificates.ensure(holder, null, cause).then(
      () => assert.unreachable(),
      (error) => assert.instance(error, StoreUnavailable),
    );
    assert.is(certificates.chainOf(username), null);
    isBroken = false;
    await certificates.ensure(holder, null, cause);
    await certificates.ensure(holder, null, cause);
    assert.is(signed.length, 2);
    assert.is(state.status === 'active' && state.certificate?.serial, signed[1]);
  } finally {
    await rm(keysDir, { recursive: true });
  }
});

test.run();
