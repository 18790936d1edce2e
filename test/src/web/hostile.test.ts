import { type Desk, hasChromium, openDesk, rowOf } from '../../support/browser.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ desk: Desk }>('page hostile text');
test.before(async (world) => {
  world.desk = await openDesk();
});
test.after(async ({ desk }) => {
  await desk.stop();
  assert.equal(desk.complaints, []);
});

const attack = '<script>globalThis.owned=1</script><img src=x onerror="globalThis.owned=1">';
const rightToLeft = '\u202egnp.exe \u0645\u0631\u062d\u0628\u0627';
const long = 'x'.repeat(1_000);
const name = `a${'b'.repeat(127)}`;

test('what devices and people say is text, wherever it is shown', async ({ desk }) => {
  const { call } = desk.world;
  await desk.unlock({ note: attack });
  await call('PUT', '/api/roles/hostile', {
    body: {
      permissions: [
        { context: 'mqtt', resource: `plant/${attack.replaceAll('/', '')}`, operation: 'read' },
      ],
      description: attack,
    },
  });
  const asked = await desk.ask(name, {
    context: { [attack.slice(0, 100)]: attack, [rightToLeft]: rightToLeft, long },
    requestedRoles: ['hostile'],
    requestedPermissions: [{ context: 'mqtt', resource: attack, operation: 'write' }],
  });
  assert.is(asked.status, 202, JSON.stringify(asked.body));
  const page = await desk.signedIn({ viewport: { width: 1_100, height: 800 } });
  const fits = async (where: string) => {
    const [wide, inner] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      innerWidth,
    ]);
    assert.ok((wide ?? 0) <= (inner ?? 0), `${where} is ${wide} wide`);
    assert.is(
      await page.evaluate(() => (globalThis as { owned?: number }).owned),
      undefined,
      where,
    );
    assert.is(await page.locator('img, #root script').count(), 0, where);
  };
  await rowOf(page, name).waitFor();
  await fits('registry');
  await rowOf(page, name).getByText('Grant…').click();
  await page.locator('dialog').getByText('<script>globalThis.owned=1</script>').first().waitFor();
  await page.getByText('Show all').first().click();
  await page.locator('dialog').getByText('Give it').click();
  await page.getByLabel('Reason, for the log').fill(attack);
  await fits('dialog');
  await page.locator('dialog').getByText('Grant access', { exact: true }).click();
  await rowOf(page, name).getByText('Active at embedded').waitFor();
  await fits('granted');
  for (const viewport of [
    { width: 1_100, height: 800 },
    { width: 360, height: 740 },
  ]) {
    await page.setViewportSize(viewport);
    for (const place of ['', 'clients', `clients/${name}`, 'roles', 'audit', 'tokens']) {
      await page.goto(`${desk.world.url}/#/${place}`);
      await page.waitForTimeout(400);
      await fits(`${place || 'registry'} at ${viewport.width}`);
    }
    await page.goto(`${desk.world.url}/#/clients/${name}`);
    await page.locator('.timeline').getByText('Granted by admin').click();
    await fits(`opened event at ${viewport.width}`);
  }
  await page.getByText(attack).first().waitFor();
  await page.context().close();
});

test('an address that names nothing, or with nonsense in it, shows a view all the same', async ({
  desk,
}) => {
  const page = await desk.signedIn();
  for (const hash of [
    '#/nowhere',
    '#/clients/%E0%A4%A',
    '#/clients/<b>x',
    '#//__proto__',
    '#/constructor',
  ]) {
    await page.goto(`${desk.world.url}/${hash}`);
    await page.locator('h1').first().waitFor({ state: 'attached' });
  }
  await page.context().close();
});

if (hasChromium()) test.run();
else suite('page hostile text, without a browser').run();
