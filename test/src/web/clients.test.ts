/** The page's list of clients: whose access ends soon, who is online, in which order, and many changed at once. */

import { type Desk, hasChromium, openDesk } from '../../support/browser.ts';
import { doorOf, strong } from '../../support/door.ts';
import { connected } from '../../support/mqtt-peers.ts';
import { assert, suite } from '../../support/suite.ts';

const inDays = (days: number) => new Date(Date.now() + days * 24 * 3_600_000).toISOString();

const test = suite<{ desk: Desk }>('page: clients');
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
  await page.getByRole('link', { name: 'press-18' }).waitFor();
  await page.getByLabel('Access').selectOption('7');
  const row = page.locator('tr', { hasText: 'press-17' });
  await row.getByText(/^ends /).waitFor();
  // The list of before is shown until the new one is there.
  await page.getByRole('link', { name: 'press-18' }).waitFor({ state: 'detached' });
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

test('who is online, the order, the total, and many suspended at once but not oneself', async ({
  desk,
}) => {
  const { world } = desk;
  const door = doorOf(world);
  const password = strong();
  await door.command('/api/users', { username: 'zz-1', password }, 201);
  await door.command('/api/users', { username: 'aa-2' }, 201);
  const client = await connected(world.mqtt.port, { username: 'zz-1', password, clientId: 'zz' });
  const page = await desk.signedIn();
  await page.goto(`${world.url}/#/clients`);
  const names = () => page.locator('tbody .name').allTextContents();
  const { total } = (await world.call('GET', '/api/users?total=true')).body;
  await page.getByRole('heading', { name: `${total} clients` }).waitFor();
  assert.equal((await names()).slice(0, 2), ['aa-2', 'zz-1']);
  await page.getByLabel('Order').selectOption('name');
  await page.waitForFunction(() => document.querySelector('tbody .name')?.textContent === 'aa-2');
  await page.locator('tbody tr').last().getByRole('link', { name: 'zz-1' }).waitFor();
  await page.getByLabel('Sessions').selectOption('true');
  await page.getByRole('heading', { name: '1 client' }).waitFor();
  assert.equal(await names(), ['zz-1']);
  assert.ok(await page.getByLabel('Order').isDisabled());
  client.end();

  await page.getByLabel('Sessions').selectOption('');
  for (const name of ['zz-1', 'aa-2', 'admin'])
    await page.getByLabel(`Select ${name}`, { exact: true }).check();
  await page.getByRole('button', { name: 'Suspend 2…' }).click();
  const dialog = page.locator('dialog[open]');
  await dialog.getByText('1 is left alone: in another state, or yourself.').waitFor();
  await dialog.getByLabel('Reason').fill('line 4 stands still');
  await dialog.getByRole('button', { name: 'Suspend 2', exact: true }).click();
  await page.locator('.toast').getByText('2 clients suspended.').waitFor();
  const { status, reason } = await door.user('zz-1');
  assert.equal([status, reason], ['suspended', 'line 4 stands still']);
  await page.getByLabel('State').selectOption('suspended');
  await page.getByRole('heading', { name: '2 clients' }).waitFor();
  await page.getByLabel('Select all 2').check();
  await page.getByRole('button', { name: 'Resume 2…' }).click();
  await dialog.getByRole('button', { name: 'Resume 2', exact: true }).click();
  await page.getByText('Nobody fits.').waitFor();
  assert.is((await door.user('aa-2')).status, 'active');
  await page.getByLabel('State').selectOption('');
  await page.getByLabel('Select aa-2', { exact: true }).check();
  await page.getByRole('button', { name: 'Revoke 1…' }).click();
  await dialog.getByRole('button', { name: 'Revoke', exact: true }).click();
  await page.locator('tr', { hasText: 'aa-2' }).getByText('Revoked').waitFor();
});

if (hasChromium()) test.run();
else suite('page: clients, without a browser').run();
