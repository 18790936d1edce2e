/** Scheduled windows at the page: made, the next time counted down, cancelled; other pages hear of it at once. */

import { type Desk, hasChromium, openDesk, signIn } from '../../support/browser.ts';
import { adminPassword } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ desk: Desk }>('page: scheduled windows');
test.before(async (context) => {
  context.desk = await openDesk();
});
test.after(async ({ desk }) => {
  await desk.stop();
  assert.equal(desk.complaints, []);
});

test('the next time is counted down, and cancelled it is gone', async ({ desk }) => {
  const opensAt = new Date(Date.now() + 3_600_000).toISOString();
  const body = { opensAt, durationMs: 60_000 };
  const made = await desk.world.call('POST', '/api/client-registry/windows', { body });
  assert.is(made.status, 201);
  const page = await desk.open();
  await signIn(page, 'admin', adminPassword);
  const section = page.locator('section[aria-labelledby=scheduled]');
  await section.getByRole('timer').waitFor();
  assert.match(String(await section.getByRole('timer').textContent()), /^(59|1:00):\d\d/);
  await section.getByRole('button', { name: /Cancel/ }).click();
  await section.getByText('Schedule a window for a time ahead').waitFor();
  await page.context().close();
});

test('one each week is made at the page, what is wrong is said at its field, and another page sees it', async ({
  desk,
}) => {
  const [page, other] = [await desk.signedIn(), await desk.signedIn()];
  await page.getByRole('button', { name: 'Schedule…' }).click();
  const dialog = page.locator('dialog[open]');
  await dialog.getByRole('button', { name: 'Schedule', exact: true }).click();
  await dialog.locator('#sched-opensAt-f').waitFor();
  await dialog.getByText('Each week').click();
  await dialog.getByLabel('On', { exact: true }).selectOption('tuesday');
  await dialog.getByLabel('At', { exact: true }).fill('02:30');
  await dialog.getByLabel('Time zone').fill('Mars/Base');
  await dialog.getByLabel('Minutes').fill('90');
  await dialog.getByLabel('Names').fill('press-*');
  await dialog.getByRole('button', { name: 'Schedule', exact: true }).click();
  await dialog.locator('#sched-timeZone-f').waitFor();
  await dialog.getByLabel('Time zone').fill('Europe/Berlin');
  await dialog.getByRole('button', { name: 'Schedule', exact: true }).click();
  const told = 'Tuesdays 02:30 Europe/Berlin';
  // Nothing of the other page asks so soon by itself.
  await other.locator('li', { hasText: told }).getByText('press-*').waitFor({ timeout: 20_000 });
  const [made] = (await desk.world.call('GET', '/api/client-registry/windows?standing=true')).body
    .items;
  assert.equal(
    [made.durationMs, made.usernamePattern, made.weekly.timeZone],
    [5_400_000, 'press-*', 'Europe/Berlin'],
  );
  await page.getByText(told).waitFor();
  await page.getByRole('button', { name: /Cancel/ }).click();
  await other.getByText('Schedule a window for a time ahead').waitFor({ timeout: 20_000 });
});

if (hasChromium()) test.run();
