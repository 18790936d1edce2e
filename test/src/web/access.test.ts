import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { type Desk, hasChromium, openDesk, rowOf } from '../../support/browser.ts';
import { assert, suite } from '../../support/suite.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
interface Found {
  violations: { id: string; nodes: { target: unknown; failureSummary: string }[] }[];
}

/** What axe-core finds wrong by WCAG 2.2 AA and good practice. */
async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const found = (await page.evaluate(
    'axe.run(document, { resultTypes: ["violations"] })',
  )) as Found;
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ target, failureSummary }) => `${id} at ${JSON.stringify(target)}: ${failureSummary}`,
    ),
  );
}

const test = suite<{ desk: Desk }>('page access');
test.before(async (world) => {
  world.desk = await openDesk();
  const { desk } = world;
  await desk.world.call('PUT', '/api/roles/press', {
    body: { permissions: [{ context: 'mqtt', resource: 'plant/#', operation: 'read' }] },
  });
  await desk.unlock({ note: 'line 4' });
  const { body } = await desk.ask('press-1', { pairingId: 'a1b2c3', context: { model: 'HP' } });
  await desk.world.call('POST', `/api/client-registry/requests/${body.requestId}/grant`, {
    body: { roles: ['press'] },
  });
  await desk.ask('press-2', { requestedRoles: ['press', 'administrator'] });
  await desk.ask('press-3', { pairingId: '00ff00' });
  await desk.ask('press-3');
  await desk.ask('press-1');
});
test.after(async ({ desk }) => {
  await desk.stop();
  assert.equal(desk.complaints, []);
});

for (const colorScheme of ['light', 'dark'] as const)
  test(`axe finds nothing, ${colorScheme}, on a desk and on a phone, without and with dialogs`, async ({
    desk,
  }) => {
    const options = { bypassCSP: true, colorScheme, reducedMotion: 'reduce' } as const;
    const out = await desk.open(options);
    await out.waitForSelector('#user');
    assert.equal(await faultsOf(out), [], 'sign-in');
    await out.context().close();
    const page = await desk.signedIn(options);
    // The colours are the same at any width.
    for (const width of colorScheme === 'light' ? [1_280, 360] : [1_280]) {
      await page.setViewportSize({ width, height: 800 });
      for (const place of [
        '',
        'clients',
        'clients/press-1',
        'new-client',
        'roles',
        'tokens',
        'audit',
        'more',
      ]) {
        await page.goto(`${desk.world.url}/#/${place}`);
        if (place === 'audit') {
          await page.getByRole('tab', { name: 'What if' }).click();
          const whatIf = page.getByRole('region', { name: 'What if' });
          await whatIf.getByLabel('Names').fill('press-1');
          await whatIf.getByText('Try it').click();
          await whatIf.getByRole('table').waitFor();
        }
        if (place === '') await page.getByText('Filter and sort').click();
        if (place === 'clients') await page.getByLabel('Select press-1', { exact: true }).check();
        await page.waitForTimeout(500);
        assert.equal(await faultsOf(page), [], `${place || 'registry'} at ${width}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${place} is ${wide} wide at ${width}`);
      }
      await page.goto(`${desk.world.url}/#/`);
      for (const [name, button] of [
        ['press-3', 'Grant…'],
        ['press-2', 'Grant…'],
        ['press-2', 'Deny…'],
      ] as const) {
        await rowOf(page, name).getByText(button).click();
        await page.waitForTimeout(100);
        assert.equal(await faultsOf(page), [], `${button} ${name} at ${width}`);
        await page.keyboard.press('Escape');
        await page.waitForSelector('dialog', { state: 'detached' });
      }
      await page.getByText('Schedule…').click();
      await page.getByText('Each week', { exact: true }).click();
      assert.equal(await faultsOf(page), [], `Schedule… at ${width}`);
      await page.keyboard.press('Escape');
      await page.locator('dialog').getByRole('button', { name: 'Close', exact: true }).click();
      await page.waitForSelector('dialog', { state: 'detached' });
      await page.locator('#pending').focus();
      await page.keyboard.press('?');
      await page.waitForSelector('dialog[open]');
      assert.equal(await faultsOf(page), [], `keys at ${width}`);
      await page.keyboard.press('Escape');
      await page.waitForSelector('dialog', { state: 'detached' });
    }
    await page.context().close();
  });

test('axe would find a fault if there were one', async ({ desk }) => {
  const page = await desk.signedIn({ bypassCSP: true });
  await page.evaluate(() => {
    const button = document.createElement('button');
    button.style.color = '#ddd';
    document.querySelector('main')?.append(button, document.createElement('input'));
    button.textContent = 'pale';
  });
  const faults = (await faultsOf(page)).join();
  assert.match(faults, 'label at');
  assert.match(faults, 'color-contrast');
  await page.context().close();
});

test('the locked registry, empty, has no fault either', async ({ desk }) => {
  const empty = await openDesk();
  const page = await empty.signedIn({ bypassCSP: true });
  await page.waitForSelector('text=Nobody waits for a decision');
  assert.equal(await faultsOf(page), []);
  await empty.stop();
  assert.equal(empty.complaints, []);
  assert.ok(desk);
});

/** Presses Tab until the focus is on something with this text. */
async function tabTo(page: Page, wanted: string): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    const text = await page.evaluate(() => {
      const { activeElement: element } = document;
      if (!element?.matches('a, button, input, select, summary')) return '';
      const label =
        element.closest('label') ?? document.querySelector(`label[for="${element.id}"]`);
      return `${element.textContent ?? ''} ${label?.textContent ?? ''}`;
    });
    if (text.includes(wanted)) return;
    await page.keyboard.press('Tab');
  }
  assert.unreachable(`no way by Tab to ${wanted}`);
}

test('the keyboard alone unlocks, grants with a role, denies and locks', async ({ desk }) => {
  await desk.world.call('POST', '/api/client-registry/lock');
  const page = await desk.signedIn();
  await page.waitForSelector('text=New devices are turned away');
  await tabTo(page, 'Unlock for 5 minutes');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.countdown');
  await desk.ask('keyed');
  await rowOf(page, 'keyed').waitFor();
  await tabTo(page, 'Grant… keyed');
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
  await page.waitForTimeout(200);
  await tabTo(page, 'press');
  await page.keyboard.press('Space');
  await page.keyboard.press('Control+Enter');
  await rowOf(page, 'keyed').getByText('Active at embedded').waitFor();
  assert.equal((await desk.world.call('GET', '/api/users/keyed')).body.roles, ['press']);
  // Focus goes on in the list.
  await page.locator('.requests :focus').waitFor();
  const before = await page.evaluate(() => document.activeElement?.textContent);
  await page.keyboard.press('j');
  assert.is.not(await page.evaluate(() => document.activeElement?.textContent), before);
  // The row that was granted stays in its place, and has nothing to deny.
  await page.keyboard.press('j');
  await page.keyboard.press('d');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.keyboard.press('l');
  await page.keyboard.press('Enter');
  await page.waitForSelector('text=New devices are turned away');
  await page.context().close();
});

if (hasChromium()) test.run();
else suite('page access, without a browser').run();
