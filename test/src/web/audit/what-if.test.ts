import { type Desk, hasChromium, openDesk } from '../../../support/browser.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite<{ desk: Desk }>('page what-if');
test.before(async (world) => {
  world.desk = await openDesk();
  const { desk } = world;
  await desk.unlock();
  for (const name of ['press-1', 'press-2', 'oven-1', 'oven-2']) {
    const { body } = await desk.ask(name, { pairingId: 'a1b2c3' });
    const decision = { 'press-1': 'grant', 'press-2': 'deny', 'oven-1': 'grant' }[name];
    if (decision !== undefined)
      await desk.world.call('POST', `/api/client-registry/requests/${body.requestId}/${decision}`, {
        body: {},
      });
  }
});
test.after(async ({ desk }) => {
  await desk.stop();
  assert.equal(desk.complaints, []);
});

const panelOf = async (desk: Desk, as?: { username: string; password: string }) => {
  const page = await desk.signedIn({}, as);
  await page.goto(`${desk.world.url}/#/audit?tab=what-if`);
  await page.getByRole('tab', { name: 'History' }).waitFor();
  return { page, panel: page.getByRole('region', { name: 'What if' }) };
};

test('limits and preauthorizations are tried by keyboard, and those that differ listed', async ({
  desk,
}) => {
  const { page, panel } = await panelOf(desk);
  const told = panel.getByRole('status');
  const rows = async () => await panel.locator('tbody tr').allTextContents();
  await panel.getByLabel('Names').fill('press-*');
  await page.keyboard.press('Enter');
  await told
    .getByText('Of 4 requests, 2 would have been asked as they were, 2 kept out.')
    .waitFor();
  await told.getByText('1 that was granted would have been kept out.').waitFor();
  await told.getByText('1 that still waits would have been kept out.').waitFor();
  assert.match((await rows()).join('\n'), /^oven-2.*still waits.*kept out.*\noven-1.*granted/);
  assert.is((await rows()).length, 2);

  await panel.getByLabel('Limits').focus();
  await page.keyboard.press('ArrowRight');
  assert.ok(await panel.getByLabel('Preauthorization').isChecked());
  await panel.getByText('Try it').click();
  await told.getByText('Of 4 requests, 2 would have been let in at once').waitFor();
  await told.getByText('1 that was denied would have been let in.').waitFor();
  assert.match((await rows()).join('\n'), /^press-2.*denied.*let in.*fits the rule$/);

  await panel.getByText('List those too that come out the same').click();
  await panel.getByText('Try it').click();
  await panel.locator('tbody tr', { hasText: 'another name' }).first().waitFor();
  assert.is((await rows()).length, 4);

  await panel.getByLabel('Those that fit are').selectOption({ label: 'kept out' });
  await panel.getByLabel('Pairing ID').fill('A1B 2C3');
  await panel.getByLabel('Networks').fill('10.0.0.0/8 127.0.0.0/8');
  await panel.getByLabel('Uses at most').fill('1');
  await panel.getByText('Try it').click();
  await told.getByText('Of 4 requests, 1 would have been kept out, 3 asked').waitFor();
  await page.context().close();
});

test('what is wrong is said at its field, and an empty time in words', async ({ desk }) => {
  const { page, panel } = await panelOf(desk);
  await panel.getByLabel('Networks').fill('10.4');
  await panel.getByLabel('Requests at most').fill('many');
  await panel.getByText('Try it').click();
  await panel.locator('.field', { hasText: 'Networks' }).getByRole('alert').waitFor();
  const field = panel.locator('.field', { hasText: 'Requests at most' });
  await field.getByText('must be a whole number').waitFor();
  assert.is(await panel.getByRole('status').count(), 0);
  await panel.getByLabel('Networks').fill('');
  await panel.getByLabel('Requests at most').fill('');
  await panel.getByLabel('Asked before').fill('2020-01-01T00:00:00');
  await panel.getByText('Try it').click();
  await panel.getByText('Nobody asked in this time.').waitFor();
  assert.is(await panel.getByRole('alert').count(), 0);
  await page.context().close();
});

test('who may not see addresses is not asked for networks; who may not ask sees no panel', async ({
  desk,
}) => {
  const password = 'e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6';
  const read = (resource: string) => ({ context: 'http', resource, operation: 'read' });
  const reader = async (username: string, ...resources: string[]) => {
    await desk.world.call('POST', '/api/users', {
      body: { username, password, permissions: resources.map(read) },
    });
    return await panelOf(desk, { username, password });
  };
  const live = ['/api/events', '/api/client-registry/#', '/api/users/#', '/api/roles/#'];
  const blind = await reader('blind', '/api/audit/#', ...live);
  await blind.panel.getByLabel('Names').waitFor();
  assert.is(await blind.panel.getByLabel('Networks').count(), 0);
  const without = await reader('without', '/api/audit/events', ...live);
  assert.is(await without.panel.count(), 0);
  await blind.page.context().close();
  await without.page.context().close();
});

if (hasChromium()) test.run();
else suite('page what-if, without a browser').run();
