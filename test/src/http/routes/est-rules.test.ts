/** EST while the gate is locked: a rule lets in by the key, or by a code in front of the Basic password. */

import { readCsr } from '../../../../src/credentials/certificates/csr.ts';
import { keyPairs, newCsr } from '../../../support/csr.ts';
import { newName, strong } from '../../../support/door.ts';
import { doorSuite } from '../../../support/door-suite.ts';
import { certificatesIn, enrol, newPkcs10 } from '../../../support/est.ts';
import { assert } from '../../../support/suite.ts';

const base = '/api/client-registry/preauthorizations';
const until = '2999-01-01T00:00:00.000Z';

const test = doorSuite('EST by rules');

test('a key that a rule names gets its certificate, another waits as always', async ({
  door,
  world,
}) => {
  const username = newName();
  const keys = keyPairs.p256();
  const { csr } = newPkcs10(username, keys);
  const fingerprint = readCsr(newCsr(username, keys).csr, username).key?.fingerprint;
  await door.must(201, 'POST', base, { body: { until, csrFingerprint: fingerprint } });
  await door.lock();
  assert.is((await enrol(world, newPkcs10(username).csr)).status, 202);
  const answer = await enrol(world, csr);
  assert.is(answer.status, 200, answer.text);
  assert.is(certificatesIn(answer).length > 0, true);
  assert.equal((await door.types(username)).slice(0, 3), [
    ...['PreauthorizationUsed', 'RegistrationRequested', 'RegistrationGranted'],
  ]);
});

test('a code in front of the own secret is the Basic password, and proves', async ({
  door,
  world,
}) => {
  const made = await door.must(201, 'POST', base, { body: { until, enrolmentCode: true } });
  await door.lock();
  const username = newName();
  const { csr } = newPkcs10(username);
  const basic = (password: string) => ({ basic: `${username}:${password}` });
  assert.is((await enrol(world, csr, basic(`gbe_${'A'.repeat(43)}:${strong()}`))).status, 202);
  const password = `${made.body.enrolmentCode}:${strong()}`;
  const answer = await enrol(world, csr, basic(password));
  assert.is(answer.status, 200, answer.text);
  assert.is((await enrol(world, csr, basic(password))).status, 200);
  const shown = await door.must(200, 'GET', `${base}/${made.body.preauthorizationId}`);
  assert.is(shown.body.useCount, 1);
});

test.run();
