/** Several approvers on the page: what waits is seen at once, in words, and approved as it was shown. */

import { type Desk, hasChromium, openDesk, rowOf, signIn } from '../../support/browser.ts';
import { strong } from '../../support/door.ts';
import { adminPassword } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const second = { username: 'second', password: strong() };

const test = suite<{ desk: Desk }>('page: approvals');
test.before(async (context) => {
  context.desk = await openDesk();
  const { world } = context.desk;
  const body = { ...second, roles: ['administrator'] };
  assert.is((await world.call('POST', '/api/users', { body })).status, 201);
  await world.restart({ GATEBOOK_APPROVALS: '2' });
});
test.after(async ({ desk }) => {
  await desk.stop();
  assert.equal(desk.complaints, []);
});

const folder = process.env.SCREENSHOTS;
const shot = async (page: Awaited<ReturnType<Desk['open']>>, name: string) => {
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png` });
};

test('a grant waits, another approves what is shown, and both pages follow', async ({ desk }) => {
  const { world } = desk;
  await desk.unlock();
  const page = await desk.open();
  await signIn(page, 'admin', adminPassword);
  const other = await desk.open({ colorScheme: 'dark' });
  await signIn(other, second.username, second.password);
  assert.is(await other.locator('nav a', { hasText: 'Approvals' }).count(), 0, 'nothing waits');

  await desk.ask('press-17', { pairingId: 'abc123' });
  await rowOf(page, 'press-17').getByText('Grant…').click();
  const dialog = page.locator('dialog[open]');
  await dialog.locator('label', { hasText: 'auditor' }).first().locator('input').check();
  await dialog.getByText('Grant access', { exact: true }).click();
  await dialog.getByText(/Not done yet, it needs 2 people: Grant press-17 access/).waitFor();
  assert.ok(await dialog.getByText('Grant access', { exact: true }).isDisabled(), 'not sent twice');
  await dialog.getByText('Proposed by admin').isVisible();
  await shot(page, 'waits-light');
  await dialog.getByText('Cancel', { exact: true }).click();
  const asked = dialog.getByText('Close', { exact: true });
  if ((await asked.count()) > 0) await asked.click();

  // By itself: nobody reloaded this page.
  const badge = other.locator('nav a', { hasText: 'Approvals' });
  await badge.getByText('1').waitFor();
  await badge.click();
  const card = other.locator('li.card', { hasText: 'press-17' });
  await card.getByText('Gains HTTP rights, and can act in this registry: press-17.').waitFor();
  await card.getByText('Pairing ID a b c 1 2 3').waitFor();
  await shot(other, 'list-dark');
  await card.getByText('Approve…').click();
  await shot(other, 'approve-dark');
  await other.locator('dialog[open]').getByText('Approve', { exact: true }).click();
  await other.getByText('Approved and done.').waitFor();
  await rowOf(page, 'press-17')
    .getByText(/Granted|Active/)
    .first()
    .waitFor();
  const { body } = await world.call('GET', '/api/users/press-17');
  assert.equal([body.status, body.roles], ['active', ['auditor']]);
});

test('what was made for a proposal is shown to its proposer once', async ({ desk }) => {
  const { world } = desk;
  const made = await world.call('POST', '/api/users', { body: { username: 'oven-1' } });
  assert.is(made.status, 202);
  const page = await desk.open();
  await signIn(page, 'admin', adminPassword);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${world.url}/#/approvals`);
  const card = page.locator('li.card', { hasText: 'Make the client oven-1' });
  await card.getByText('Withdraw…').waitFor();
  assert.is(await card.getByText('Approve…').count(), 0, 'not one’s own');
  await shot(page, 'list-phone');
  const token = await world.signIn(second.username, second.password);
  const path = `/api/approvals/${made.body.proposalId}/approve`;
  await world.call('POST', path, { token, body: { hash: made.body.hash } });
  await card.getByText('Collect what it made…').click();
  const once = page.locator('dialog[open] textarea');
  await once.waitFor();
  assert.match(await once.inputValue(), /^gbs_/);
  await shot(page, 'collect-phone');
  await page.locator('dialog[open]').getByText('I have it').click();
  await card.getByText('Collect what it made…').click();
  await page.locator('dialog[open] [role=alert]').waitFor();
});

test('rejected, it is over; and too few administrators are warned of', async ({ desk }) => {
  const { world } = desk;
  const body = { permissions: [] };
  assert.is((await world.call('PUT', '/api/roles/press', { body })).status, 202);
  await world.call('POST', `/api/users/${second.username}/suspend`, { body: {} });
  const page = await desk.open({ colorScheme: 'dark' });
  await signIn(page, 'admin', adminPassword);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${world.url}/#/approvals`);
  await page.getByText(/2 people are needed, and one administrator is here/).waitFor();
  await shot(page, 'too-few-phone-dark');
  await page.locator('li.card', { hasText: 'role press' }).getByText('Withdraw…').click();
  await page.locator('dialog[open]').getByText('Reject', { exact: true }).click();
  await page.locator('li.card', { hasText: 'role press' }).getByText('Rejected').waitFor();
});

if (hasChromium()) test.run();
else suite('page: approvals, without a browser').run();
