/** What the page shows of certificates: the CA's fingerprint for devices, and the key of who asks. */

import { readCsr } from '../../../src/credentials/certificates/csr.ts';
import { type Desk, hasChromium, openDesk, rowOf, signIn } from '../../support/browser.ts';
import { certify } from '../../support/certificate-in-hand.ts';
import { keyPairs, newCsr } from '../../support/csr.ts';
import { doorOf, registerPath } from '../../support/door.ts';
import { adminPassword } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const inDays = (days: number) => new Date(Date.now() + days * 24 * 3_600_000).toISOString();

const test = suite<{ desk: Desk }>('page: certificates');
test.before(async (context) => {
  context.desk = await openDesk();
});
test.after(async ({ desk }) => {
  await desk.stop();
  assert.equal(desk.complaints, []);
});

test('the CA’s fingerprint is there for devices, and a key at its request and its client', async ({
  desk,
}) => {
  const { world } = desk;
  const page = await desk.open();
  await signIn(page, 'admin', adminPassword);
  const { body: ca } = await world.call('GET', '/ca');
  await page.locator('section[aria-labelledby=ca]').getByText(ca.fingerprint).waitFor();

  await world.call('POST', '/api/client-registry/unlock', { body: {} });
  const { csr } = newCsr('press-17');
  const ask = () =>
    world.call('POST', registerPath, { token: null, body: { username: 'press-17', csr } });
  assert.is((await ask()).status, 202);
  const fingerprint = readCsr(csr, 'press-17').key?.fingerprint ?? '';
  await rowOf(page, 'press-17').getByText('Grant…').click();
  const dialog = page.locator('dialog[open]');
  await dialog.getByText(fingerprint).waitFor();
  await dialog.getByText('Grant access', { exact: true }).click();
  await rowOf(page, 'press-17').getByText('Active at embedded').waitFor();
  assert.match((await ask()).body.certificate, 'BEGIN CERTIFICATE');

  await page.goto(`${world.url}/#/clients/press-17`);
  await page.locator('code.wrap', { hasText: fingerprint }).waitFor();

  const keys = keyPairs.p256();
  for (const username of ['press-20', 'press-21'])
    await world.call('POST', registerPath, {
      ...{ token: null, body: { username, csr: newCsr(username, keys).csr } },
    });
  await page.goto(`${world.url}/#/`);
  await rowOf(page, 'press-20').getByText('Same key as others').waitFor();
  await rowOf(page, 'press-20').getByText('Grant…').click();
  await dialog.getByText(/Same key\s+as\s+press-21/).waitFor();
  await dialog.getByText('Cancel', { exact: true }).click();

  await certify({ world, door: doorOf(world) }, { expiresAt: inDays(3) }, 'press-18');
  await page.goto(`${world.url}/#/clients`);
  await page.locator('table').getByRole('link', { name: 'press-17' }).waitFor();
  await page.getByLabel('Certificate').selectOption('7');
  await page
    .locator('tr', { hasText: 'press-18' })
    .getByText(/^ends /)
    .waitFor();
  // The list of before stays until the new one has come.
  await page
    .locator('table')
    .getByRole('link', { name: 'press-17' })
    .waitFor({ state: 'detached' });
});

if (hasChromium()) test.run();
else suite('page: certificates, without a browser').run();
