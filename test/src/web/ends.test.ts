/** What the page shows of ends: whose access ends soon, and renewing it by one click. */

import { type Desk, hasChromium, openDesk } from '../../support/browser.ts';
import { doorOf } from '../../support/door.ts';
import { assert, suite } from '../../support/suite.ts';

const inDays = (days: number) => new Date(Date.now() + days * 24 * 3_600_000).toISOString();

const test = suite<{ desk: Desk }>('page: ends');
test.before(async (context) => {
  context.desk = await openDesk();
});
test.after(async ({ desk }) => {
  await desk.stop();
  assert.equal(desk.complaints, []);
});

test('whose access ends soon is listed, and one click renews it', async ({ desk }) => {
  const { world } = desk;
  const door = doorOf(world);
  const expiresAt = inDays(5);
  await door.command('/api/users', { username: 'press-17', expiresAt }, 201);
  await door.command('/api/users', { username: 'press-18' }, 201);
  const page = await desk.signedIn();
  await page.goto(`${world.url}/#/clients`);
  await page.locator('table').getByText('press-18').waitFor();
  await page.getByLabel('Access').selectOption('7');
  const row = page.locator('tr', { hasText: 'press-17' });
  await row.getByText(/^ends /).waitFor();
  // The list of before is shown until the new one is there.
  await page.locator('table').getByText('press-18').waitFor({ state: 'detached' });
  await row.getByRole('button', { name: 'Renew' }).click();
  await page.getByText(/press-17: access until /).waitFor();
  assert.ok((await door.user('press-17')).expiresAt > inDays(9));
  await page.getByRole('button', { name: 'Undo' }).click();
  await row.getByText(/^ends /).waitFor();
  assert.is((await door.user('press-17')).expiresAt, expiresAt);

  await page.goto(`${world.url}/#/clients/press-17`);
  await page.getByRole('button', { name: 'Renew', exact: true }).click();
  await page.getByText(/press-17: access until /).waitFor();
  assert.ok((await door.user('press-17')).expiresAt > inDays(9));
});

if (hasChromium()) test.run();
else suite('page: ends, without a browser').run();
