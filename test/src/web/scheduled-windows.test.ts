/** What the page shows of scheduled windows: the next time, counted down, and cancelling one. */

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
  await section.waitFor({ state: 'detached' });
});

if (hasChromium()) test.run();
