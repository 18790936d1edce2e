import { type Desk, hasChromium, openDesk, rowOf, signIn } from '../../support/browser.ts';
import { adminPassword } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ desk: Desk }>('page story');
test.before(async (world) => {
  world.desk = await openDesk();
  const topic = (resource: string, operation: string) => ({ context: 'mqtt', resource, operation });
  await world.desk.world.call('PUT', '/api/roles/press', {
    body: { permissions: [topic('plant/$' + '{username}/#', 'write')], description: 'A press' },
  });
});
test.after(async ({ desk }) => {
  await desk.stop();
  assert.equal(desk.complaints, []);
});

test('sign in, unlock, a device asks, grant with a role, and it is active; revoking says what it does, and shows', async ({
  desk,
}) => {
  const page = await desk.open();
  await page.fill('#user', 'admin');
  await page.fill('#pass', 'wrong');
  await page.click('.signin [data-kind=main]');
  await page.waitForSelector('text=do not fit together');
  await signIn(page, 'admin', adminPassword);
  await page.waitForSelector('text=New devices are turned away');

  await desk.ask('knocker');
  await page.waitForSelector('text=1 device is knocking');

  await page.click('text=Unlock for 5 minutes');
  await page.waitForSelector('[role=timer].countdown');
  await desk.ask('press-17', { pairingId: 'a1b2c3', requestedRoles: ['press'] });
  await rowOf(page, 'press-17').getByText('a1b 2c3').waitFor();
  await page.waitForFunction(() => document.title.startsWith('1 waiting, unlocked'));

  await rowOf(page, 'press-17').getByText('Grant…').click();
  const dialog = page.locator('dialog[open]');
  await dialog.getByText('What press-17 will be able to do').waitFor();
  assert.is(await page.evaluate(() => document.activeElement?.id), 'dialog-title');
  assert.is(await dialog.locator('.choice input:checked').count(), 0, 'nothing is ticked at first');
  await dialog.locator('.choice', { hasText: 'asked for' }).locator('input').check();
  await dialog.locator('.topics code', { hasText: 'plant/press-17/#' }).waitFor();
  await dialog.getByLabel('Publish prefix').fill('line4/');
  await dialog.getByText('others see line4/state').waitFor();
  await dialog.getByLabel('Try a topic').fill('plant/press-18/state');
  await dialog.getByText('may neither publish nor subscribe here').waitFor();
  await dialog.getByLabel('Try a topic').fill('gatebook/registry/window');
  await dialog.getByText('Only the registry itself publishes here.').waitFor();
  await dialog.getByLabel('Try a topic').fill('plant/press-17/state');
  await dialog.getByText('Yes.').waitFor();
  await dialog.getByLabel('Reason, for the log').fill('compared at the machine');
  await dialog.getByText('Grant access', { exact: true }).click();
  await rowOf(page, 'press-17').getByText('Active at embedded').waitFor();

  const user = await desk.world.call('GET', '/api/users/press-17');
  assert.equal(
    [user.body.status, user.body.roles, user.body.mqttPublishPrefix, user.body.reason],
    ['active', ['press'], 'line4/', 'compared at the machine'],
  );
  assert.is(await page.getByText('Undo').count(), 0, 'nothing here goes back to waiting');
  await page.locator('.toast').getByText('Revoke…').click();
  const revoke = page.locator('dialog[open]');
  await revoke.getByText('told that its access was revoked, and stops asking').waitFor();
  assert.is((await desk.world.call('GET', '/api/users/press-17')).body.status, 'active');
  await revoke.getByLabel('Reason, for the log').fill('the wrong press');
  await revoke.getByRole('button', { name: 'Revoke', exact: true }).click();
  await page.locator('.toast').getByText('Nobody can ask for this name').waitFor();
  await rowOf(page, 'press-17').locator('.pair').getByText('Revoked').waitFor();
  assert.not.match(await rowOf(page, 'press-17').innerText(), /Granted\b|Revoke…/);
  const gone = await desk.world.call('GET', '/api/users/press-17');
  assert.is(gone.body.reason, 'the wrong press');
  assert.is((await desk.world.call('GET', '/api/users/press-17')).body.status, 'revoked');
  await page.locator('.toast').getByRole('button', { name: 'Reinstate' }).click();
  await page.locator('.toast').getByText('It may ask again').waitFor();
  await rowOf(page, 'press-17').getByText('may ask again').waitFor();

  await page.click('text=Lock now');
  await page.waitForSelector('text=New devices are turned away');
  await page.context().close();
});

test('deny with a reason and a block; several at once, contested ones left alone', async ({
  desk,
}) => {
  await desk.unlock();
  const page = await desk.signedIn();
  await desk.ask('stranger');
  await rowOf(page, 'stranger').getByText('Deny…').click();
  await page.getByLabel('Reason').fill('not ours');
  await page.locator('dialog').getByRole('button', { name: 'Deny', exact: true }).click();
  await page.locator('.toast').getByText('Denied').waitFor();
  assert.is((await desk.world.call('GET', '/api/users/stranger')).body.reason, 'not ours');

  for (const name of ['many-1', 'many-2', 'many-3', 'many-3']) await desk.ask(name);
  // Focus is in the list, so that nothing moves under it: new ones wait above.
  await page.getByRole('button', { name: '2 new requests' }).click();
  await rowOf(page, 'many-3').getByText('Somebody else asked for this name too').waitFor();
  for (const name of ['many-1', 'many-2', 'many-3'])
    await rowOf(page, name).locator('input[type=checkbox]').check();
  await page.getByText('1 is contested or a replacement').waitFor();
  await page.getByText('Grant 2…').click();
  await page.locator('dialog').getByText('1 left alone').waitFor();
  await page.locator('dialog').getByText('Grant access to 2 of 3').waitFor();
  await page.locator('dialog').getByRole('button', { name: 'Grant 2', exact: true }).click();
  await page.locator('.toast').getByText('2 requests granted. 1 left alone').waitFor();
  assert.is((await desk.world.call('GET', '/api/users/many-2')).body.status, 'active');
  assert.is((await desk.world.call('GET', '/api/users/many-3')).body.status, 'pending');

  await rowOf(page, 'many-3').getByText('Grant…').click();
  const grant = page.locator('dialog').getByText('Grant access', { exact: true });
  assert.ok(await grant.isDisabled(), 'a contested one needs a look at the device');
  await page.getByText('I compared it at the device.').click();
  await grant.click();
  await rowOf(page, 'many-3').getByText('Active at embedded').waitFor();
  await page.context().close();
});

test('a link that a device shows opens its request, after a sign-in too; another pairing ID is told and opens nothing', async ({
  desk,
}) => {
  await desk.unlock();
  await desk.ask('linked-1', { pairingId: '303bbb' });
  await desk.ask('linked-10', { pairingId: '404ccc' });
  const link = (search: string) => `${desk.world.url}/#/requests?${search}`;
  const page = await desk.open({}, link('q=linked-1&pairing=303bbb'));
  await signIn(page, 'admin', adminPassword);
  const dialog = page.locator('dialog[open]');
  await dialog.getByRole('heading', { name: 'Grant access to linked-1', exact: true }).waitFor();
  assert.is(await dialog.locator('.choice input:checked').count(), 0);
  await page.keyboard.press('Escape');
  await page.goto(link('q=404%20ccc'));
  await dialog.getByRole('heading', { name: 'Grant access to linked-10', exact: true }).waitFor();
  await page.keyboard.press('Escape');

  await page.goto(link('q=linked-1&pairing=505ddd'));
  await page.locator('.requests').getByText('it may be somebody else').waitFor();
  await page.goto(link('q=linked-2'));
  await page.locator('.requests').getByText('does not wait here now').waitFor();
  await desk.ask('linked-2');
  await rowOf(page, 'linked-2').waitFor();
  assert.is(await page.locator('dialog[open]').count(), 0);
  await page.context().close();
});

test('contested ones come first, but nothing moves under somebody; filters narrow, and what a device says shows', async ({
  desk,
}) => {
  await desk.unlock();
  for (const at of [1, 2, 3])
    await desk.ask(`sorted-${at}`, { pairingId: `c0000${at}`, context: { line: `L${at}` } });
  await desk.ask('sorted-1');
  const page = await desk.signedIn();
  const list = page.locator('.requests');
  await list.getByLabel('Find by name').fill('sorted-');
  const shown = async () => (await list.locator('h3 .name').allTextContents()).join(' ');
  await list.getByText('3 found').waitFor();
  assert.is(await shown(), 'sorted-1 sorted-3 sorted-2');
  await rowOf(page, 'sorted-1').getByText('line L1').waitFor();
  await rowOf(page, 'sorted-3').getByText('Deny…').focus();
  await desk.ask('sorted-2');
  await rowOf(page, 'sorted-2').getByText('with another credential').waitFor();
  assert.is(await shown(), 'sorted-1 sorted-3 sorted-2', 'focus is in the list');
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.mouse.move(0, 0);
  await page.waitForFunction(
    () => document.querySelectorAll('.requests h3')[2]?.textContent?.includes('sorted-3') === true,
  );
  await list.getByText('Filter and sort').click();
  await list.getByLabel('Contested ones only').check();
  await list.getByText('2 found').waitFor();
  await list.getByLabel('Says of itself').fill('line=l2');
  await list.getByText('1 found').waitFor();
  assert.is(await shown(), 'sorted-2');
  await list.getByLabel('From network').fill('10.0.0.0/8');
  await list.getByText('Nothing found').waitFor();
  await list.getByText('Show all again').click();
  await list.getByLabel('Order').selectOption('name');
  await list.getByText('3 found').waitFor();
  assert.is(await shown(), 'sorted-1 sorted-2 sorted-3');
  await page.context().close();
});

test('limits change and the end stays; a shorter one says so; the keys stand above the list; a message covers no row', async ({
  desk,
}) => {
  await desk.unlock({ durationMs: 1_500_000 });
  const { until } = (await desk.world.call('GET', '/api/client-registry')).body;
  const page = await desk.signedIn({ viewport: { width: 900, height: 600 } });
  await page.getByText('Change limits…').click();
  await page.getByText('5 min', { exact: true }).click();
  await page.getByRole('button', { name: 'Shorten to 5 minutes' }).waitFor();
  await page.getByText('As it is').click();
  await page.getByLabel('Names').fill('kept-*');
  await page.getByRole('button', { name: 'Go on until' }).click();
  await page.getByText('Change limits…').waitFor();
  const { body: after } = await desk.world.call('GET', '/api/client-registry');
  assert.is(after.usernamePattern, 'kept-*');
  const laterMs = Date.parse(after.until) - Date.parse(until);
  assert.ok(laterMs >= 0 && laterMs < 10_000, `the end moved by ${laterMs} ms`);

  for (let at = 0; at < 8; at++) await desk.ask(`kept-${at}`, { pairingId: `b0000${at}` });
  await rowOf(page, 'kept-0').getByText('Deny…').focus();
  await page.keyboard.press('?');
  const keys = page.locator('dialog[open]');
  await keys.getByText('next, previous request').waitFor();
  await page.keyboard.press('Escape');
  await keys.waitFor({ state: 'detached' });
  assert.is(new URL(page.url()).hash, '');

  await page.keyboard.press('d');
  await keys.getByRole('button', { name: 'Deny', exact: true }).click();
  const toast = page.locator('.toast');
  await toast.waitFor();
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  const shared = await page.evaluate(() => {
    const rows = [...document.querySelectorAll('.request, .aside')];
    const end = Math.max(...rows.map((row) => row.getBoundingClientRect().bottom));
    return end - (document.querySelector('.toast')?.getBoundingClientRect().top ?? 0);
  });
  assert.ok(shared <= 0, `the message covers ${shared} px of what is last`);
  await page.setViewportSize({ width: 1_280, height: 600 });
  const [list, message] = [
    await page.locator('.requests').boundingBox(),
    await toast.boundingBox(),
  ];
  assert.ok(list !== null && message !== null && list.x + list.width <= message.x);
  await page.context().close();
});

test('the report of a window is a document of its own, opened by a link', async ({ desk }) => {
  await desk.unlock({ note: 'line 7' });
  await desk.ask('reported');
  const page = await desk.signedIn();
  const opened = page.waitForEvent('popup');
  await page.getByText('What came of it').click();
  const report = await opened;
  await report.getByRole('heading', { name: 'Window report' }).waitFor();
  await report.getByRole('cell', { name: 'line 7' }).waitFor();
  await report.getByRole('cell', { name: 'reported', exact: true }).waitFor();
  await report.reload();
  await report.getByRole('heading', { name: 'Window report' }).waitFor();
  await page.context().close();
});

test('the chart asks for one small answer, and goes on by itself while a device asks', async ({
  desk,
}) => {
  await desk.unlock();
  const page = await desk.signedIn();
  const chart = page.locator('.chart svg[role=img]');
  await chart.waitFor();
  const asked = async () => Number(/([\d,]+) asked/.exec(await shown())?.[1]);
  const shown = async () => (await chart.getAttribute('aria-label')) ?? '';
  const before = await asked();
  const calls: string[] = [];
  page.on('request', (request) => calls.push(new URL(request.url()).pathname));
  for (const name of ['charted-1', 'charted-2', 'charted-3']) await desk.ask(name);
  await page.waitForFunction(
    (count) =>
      document.querySelector('.chart svg[role=img]')?.getAttribute('aria-label')?.includes(count),
    `${before + 3} asked`,
  );
  assert.equal(
    calls.filter((path) => path.startsWith('/api/audit/')),
    [],
    'what is live is not read anew',
  );
  const size = (await desk.world.call('GET', '/api/audit/activity')).body;
  assert.ok(JSON.stringify(size).length < 16_000);
  await page.context().close();
});

test('two administrators at once: the second one is told, and changes nothing', async ({
  desk,
}) => {
  await desk.unlock();
  const password = 'e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6';
  await desk.world.call('POST', '/api/users', {
    body: { username: 'shift-lead-2', password, roles: ['registrar'] },
  });
  const one = await desk.signedIn();
  const two = await desk.signedIn({}, { username: 'shift-lead-2', password });
  await desk.ask('both-want');
  await rowOf(one, 'both-want').getByText('Grant…').click();
  await rowOf(two, 'both-want').getByText('Grant…').click();
  await two.getByText('Grant access', { exact: true }).click();
  await one.getByText('shift-lead-2 granted this').waitFor();
  await one.getByText('Your choice was not applied').waitFor();
  assert.ok(await one.getByText('Grant access', { exact: true }).isDisabled());
  await one.keyboard.press('Escape');
  await rowOf(one, 'both-want').getByText('by shift-lead-2').waitFor();
  await one.click('text=Lock now');
  await two.waitForSelector('text=New devices are turned away');
  assert.is(
    await rowOf(two, 'both-want').getByText('Revoke…').count(),
    0,
    'a registrar may not revoke',
  );
  await one.context().close();
  await two.context().close();
});

test('a client’s page tells its story and what each action will do', async ({ desk }) => {
  await desk.unlock();
  const { body } = await desk.ask('told-client', { pairingId: 'ffee00', context: { model: 'HP' } });
  const request = `/api/client-registry/requests/${body.requestId}`;
  await desk.world.call('POST', `${request}/grant`, {
    body: { roles: ['press'], reason: 'a story' },
  });
  const page = await desk.signedIn();
  await page.goto(`${desk.world.url}/#/clients/told-client`);
  for (const phase of ['Request', 'Window', 'Decision', 'Activation'])
    await page.locator('.timeline h3', { hasText: phase }).waitFor();
  await page.getByText('Granted by admin').click();
  await page.getByText('RegistrationGranted').waitFor();
  await page.getByText('Suspend…').click();
  await page.getByText('it keeps its rights and its password').waitFor();
  await page.locator('dialog').getByRole('button', { name: 'Suspend', exact: true }).click();
  await page.locator('.page-head').getByText('Suspended').waitFor();
  await page.getByText('Resume…').click();
  await page.locator('dialog').getByRole('button', { name: 'Resume', exact: true }).click();
  await page.locator('.page-head').getByText('Active').waitFor();
  const named = await desk.world.call('POST', '/api/tokens', {
    body: { username: 'told-client', label: 'a service' },
  });
  const withNamed = { token: named.body.token as string };
  assert.is((await desk.world.call('GET', '/api/whoami', withNamed)).status, 200);
  await page.getByText('Make a new password…').click();
  await page.locator('dialog').getByText('End its named tokens too.').click();
  await page.locator('dialog [data-kind=danger]').click();
  const made = await page.getByLabel('The new password').inputValue();
  assert.ok(made.length >= 20);
  await page.getByText('I have it').click();
  assert.not.ok((await page.content()).includes(made), 'shown once');
  assert.is((await desk.world.call('GET', '/api/whoami', withNamed)).status, 401);
  await page.context().close();
});

test('roles are made with a topic tester, tokens shown once, the history filtered', async ({
  desk,
}) => {
  const page = await desk.signedIn();
  await page.goto(`${desk.world.url}/#/roles`);
  await page.getByText('New role…').click();
  await page.getByLabel('Name', { exact: true }).fill('display');
  await page.getByLabel('Topic, permission 1').fill('lines/+/state');
  await page.getByLabel('May, permission 1').selectOption({ label: 'Subscribe' });
  await page.getByLabel('Try a topic').fill('lines/4/state');
  await page.getByText('may subscribe here, not publish').waitFor();
  await page.getByText('Keep role').click();
  await page.locator('.toast').getByText('Role display is kept').waitFor();
  assert.is((await desk.world.call('GET', '/api/roles/display')).status, 200);

  await page.goto(`${desk.world.url}/#/tokens`);
  await page.getByText('New token…').click();
  await page.getByLabel('What it is for').fill('line dashboard');
  await page.getByText('Issue token').click();
  const token = await page.getByLabel('The token').inputValue();
  assert.is((await desk.world.call('GET', '/api/whoami', { token })).status, 200);
  await page.getByText('I have it').click();
  await page.getByText('End line dashboard').click();
  await page.locator('.toast').getByText('good no more').waitFor();
  assert.is((await desk.world.call('GET', '/api/whoami', { token })).status, 401);

  await page.goto(`${desk.world.url}/#/audit`);
  await page.getByLabel('What', { exact: true }).selectOption({ label: 'The lock opened' });
  await page.waitForFunction(() =>
    [...document.querySelectorAll('tbody tr')].every((row) =>
      /RegistryUnlocked/.test(row.textContent ?? ''),
    ),
  );
  await page.context().close();
});

test('the history goes on by itself, and waits while somebody reads in it', async ({ desk }) => {
  const { call } = desk.world;
  const put = (name: string) => call('PUT', `/api/roles/${name}`, { body: { permissions: [] } });
  await put('live-1');
  const page = await desk.signedIn();
  await page.goto(`${desk.world.url}/#/audit`);
  const rows = page.locator('tbody tr', { hasText: 'RoleDefined' });
  await rows.filter({ hasText: 'live-1' }).waitFor();
  await put('live-2');
  await rows.filter({ hasText: 'live-2' }).waitFor();

  await rows.filter({ hasText: 'live-2' }).getByText('Open').click();
  await put('live-3');
  await page.getByRole('button', { name: '1 new event' }).waitFor();
  assert.is(await rows.filter({ hasText: 'live-3' }).count(), 0);
  // More than one page, so that there is a gap between them and what was shown.
  for (let at = 0; at < 60; at++) await put(`live-many-${at}`);
  await put('live-last');
  await page.getByRole('button', { name: 'new events' }).click();
  await rows.filter({ hasText: 'live-last' }).waitFor();
  await page.getByText('Show more').click();
  await rows.filter({ hasText: 'live-3' }).waitFor();
  const numbers = await page.locator('tbody tr:not(.opened) > td:first-child').allTextContents();
  const shown = numbers.map((text) => Number(text.replaceAll(',', '')));
  const [first = 0] = shown;
  assert.equal(
    shown,
    shown.map((_, at) => first - at),
  );
  await page.context().close();
});

test('the browser proves the log, travels in time, and tells who reaches a topic', async ({
  desk,
}) => {
  const { call } = desk.world;
  await call('POST', '/api/users', { body: { username: 'reacher', roles: ['press'] } });
  const page = await desk.signedIn();
  await page.goto(`${desk.world.url}/#/audit`);
  await page.getByText('Check now').click();
  await page.getByText('The signature fits. Nothing older to compare with yet.').waitFor();
  const proofText = () => page.locator('section', { has: page.locator('#proof') }).innerText();
  assert.not.match(
    await proofText(),
    /\bYes\b|nothing (was|of them)/i,
    'a first look proves no past',
  );
  const sizeThen = (await call('GET', '/api/audit/checkpoint')).body.split('\n')[1];
  await call('POST', '/api/client-registry/lock');
  await desk.unlock();
  await page.getByText('Check again').click();
  await page.getByText('are the first ones of today').waitFor();
  const shown = `${Number(sizeThen).toLocaleString('en')} events are as they were on`;
  assert.ok((await proofText()).includes(`The first ${shown}`), await proofText());
  assert.match(
    await proofText(),
    /\d+ newer events? (is|are) signed, and not compared with anything older/,
  );

  await page.getByLabel('Client, whole name').fill('reacher');
  await page
    .locator('tbody tr', { hasText: /reacher.*ClientCreated/ })
    .getByText('Open')
    .click();
  await page.getByText('prove it').click();
  await page.getByText('proven in the signed log', { exact: true }).waitFor();

  await page.getByRole('tab', { name: 'History' }).focus();
  await page.keyboard.press('ArrowRight');
  assert.is(new URL(page.url()).hash, '#/audit?tab=topic');
  assert.ok(await page.locator('#hist').isHidden());
  const reached = page.locator('section', { hasText: 'Who can reach a topic' }).last();
  await page.locator('#reach').fill('plant/reacher/state');
  await reached.getByText('Show').click();
  await reached.getByRole('link', { name: 'reacher' }).first().waitFor();
  await page.getByLabel('As of').fill('2020-01-01T00:00:00');
  await page.getByText('You see the past.').waitFor();
  await reached.getByText('0 clients at').waitFor();
  await page.getByText('Back to now').click();
  await reached.getByText('now. Decided').waitFor();

  // A log that is not the one this browser saw before does not go unnoticed.
  await page.evaluate(() => {
    const kept = JSON.parse(localStorage.getItem('gatebook-checkpoint') ?? '{}');
    const root = btoa('x'.repeat(32));
    localStorage.setItem('gatebook-checkpoint', JSON.stringify({ ...kept, root, size: 3 }));
  });
  await page.getByText('Check again').click();
  await page.getByText('somebody rewrote the log since').waitFor();
  await page.context().close();
});

if (hasChromium()) test.run();
else suite('page story, without a browser').run();
