/** The page's rules: made beside what they would have done, codes shown once, labels, a file, and whose rules go on. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { type Desk, hasChromium, openDesk } from '../../support/browser.ts';
import { strong } from '../../support/door.ts';
import { skipped } from '../../support/skipped.ts';
import { assert, suite } from '../../support/suite.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const base = '/api/client-registry/preauthorizations';
const until = '2999-01-01T00:00:00.000Z';

const test = suite<{ desk: Desk; page: Page; folder: string }>('page: rules');
test.before(async (context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'gatebook-rules-'));
  context.desk = await openDesk();
  context.page = await context.desk.signedIn();
});
test.after(async ({ desk, folder }) => {
  await desk.stop();
  rmSync(folder, { recursive: true });
  assert.equal(desk.complaints, []);
});

const goTo = async ({ desk, page }: { desk: Desk; page: Page }, hash: string) => {
  await page.goto(`${desk.world.url}/#/${hash}`);
};

async function accessible(page: Page): Promise<void> {
  await page.evaluate(axe);
  const found = await page.evaluate('axe.run(document, { runOnly: ["wcag2a", "wcag2aa"] })');
  const { violations } = found as { violations: { id: string; nodes: { html: string }[] }[] };
  assert.equal(
    violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
    [],
  );
}

/** What a phone reads of a printed QR code; null: nothing here reads one. */
async function scan(
  { desk, folder }: { desk: Desk; folder: string },
  svg: string,
): Promise<string | null> {
  const file = join(folder, 'label.png');
  const paper = await desk.browser.newPage({ viewport: { width: 640, height: 640 } });
  await paper.setContent(svg);
  await paper.screenshot({ path: file });
  await paper.close();
  const read = spawnSync('zbarimg', ['--raw', '--quiet', file], { encoding: 'utf8' });
  if (read.error === undefined) return read.stdout;
  skipped('no zbarimg here');
  return null;
}

test('a rule is made beside what it would have done; its code is shown once and lets in', async (context) => {
  const { desk, page } = context;
  const { world } = desk;
  await desk.unlock();
  await desk.ask('kiln-1');
  await world.call('POST', '/api/client-registry/lock', { body: {} });
  await goTo(context, 'rules');
  await page.getByText('No rule stands').waitFor();
  await page.getByRole('button', { name: 'New rule…' }).click();
  const dialog = page.locator('dialog[open]');
  await dialog.locator('#rule-usernamePattern').fill('kiln-*');
  await dialog.getByText('1 that still waits would have been let in.').waitFor();
  await dialog.locator('#rule-maxUses').fill('many');
  await dialog.getByRole('button', { name: 'Make rule' }).click();
  await dialog.locator('#rule-maxUses-f').waitFor();
  await dialog.locator('#rule-maxUses').fill('2');
  await accessible(page);
  await dialog.getByRole('button', { name: 'Make rule' }).click();
  const enrolmentCode = await dialog.locator('#once').inputValue();
  assert.match(enrolmentCode, /^gbe_[\w-]{43}$/);
  await page.evaluate(
    'window.print = () => { window.printed = document.documentElement.dataset.printing; }',
  );
  await dialog.getByRole('button', { name: 'Print label…' }).click();
  await dialog.locator('.label .qr path').waitFor();
  // As a text it would be evaluated by the page, which its policy forbids, where it is not so at the first look.
  await page.waitForFunction(() => Reflect.get(globalThis, 'printed') === 'labels');
  assert.match(await dialog.locator('.label').innerText(), enrolmentCode);
  const svg = await dialog.locator('.label .qr').evaluate((element) => element.outerHTML);
  const scanned = await scan(context, svg);
  if (scanned !== null)
    assert.equal(JSON.parse(scanned), {
      ...{ url: world.url, enrolmentCode },
      caFingerprint: (await world.call('GET', '/ca')).body.fingerprint,
    });
  await dialog.getByRole('button', { name: 'I have it' }).click();
  const row = page.locator('tr', { hasText: 'kiln-*' });
  await row.getByText('0 of 2 uses').waitFor();
  assert.not.match(await page.content(), enrolmentCode);
  const asked = await desk.ask('kiln-2', { enrolmentCode, password: strong() });
  assert.is(asked.status, 201);
  await goTo(context, 'clients/kiln-2');
  await page.getByText(/granted by the rule [0-9a-f-]{36}/i).waitFor();
});

test('a file is checked, then made; bad lines are named, codes can be printed', async (context) => {
  const { page, folder } = context;
  const file = join(folder, 'rules.csv');
  const lines = ['usernamePattern,until,enrolmentCode', `a-1,${until},make`, `a-2,${until},make`];
  writeFileSync(file, [...lines, 'a-3,2001-01-01T00:00:00Z,'].join('\n'));
  await goTo(context, 'rules');
  await page.getByRole('button', { name: 'From a file…' }).click();
  const dialog = page.locator('dialog[open]');
  await dialog.locator('#rules-file').setInputFiles(file);
  await dialog.getByRole('button', { name: 'Check file' }).click();
  await dialog.getByText('2 rules would be made, 1 line not.').waitFor();
  await dialog.getByText('until must lie ahead').waitFor();
  await dialog.getByRole('button', { name: 'Make 2 rules' }).click();
  await dialog.getByText('2 rules made, 1 line not.').waitFor();
  await dialog.getByRole('button', { name: 'Print labels…' }).click();
  await dialog.locator('.label', { hasText: 'a-2' }).waitFor();
  assert.is(await dialog.locator('.label').count(), 2);
  await dialog.getByRole('button', { name: 'I have them' }).click();
});

test('a rule is withdrawn; those of somebody who was revoked are listed at their name', async (context) => {
  const { desk, page } = context;
  const { world } = desk;
  const password = strong();
  const mallory = { username: 'mallory', password, roles: ['administrator'] };
  await world.call('POST', '/api/users', { body: mallory });
  const token = await world.signIn('mallory', password);
  await world.call('POST', base, {
    token,
    body: { until, usernamePattern: 'back-*', enrolmentCode: true },
  });
  await world.call('POST', '/api/users/mallory/revoke', { body: {} });
  await goTo(context, 'clients/mallory');
  const made = page.locator('section[aria-labelledby=made-rules]');
  await made.getByText('what it said beforehand still stands').waitFor();
  await made.getByRole('button', { name: /Withdraw…/ }).click();
  await page.locator('dialog[open]').getByRole('button', { name: 'Withdraw', exact: true }).click();
  await made.waitFor({ state: 'detached' });
  await goTo(context, 'rules');
  await page.selectOption('#rules-status', 'withdrawn');
  await page.locator('tr', { hasText: 'back-*' }).getByText('Withdrawn').waitFor();
  await accessible(page);
});

if (hasChromium()) test.run();
else suite('page: rules, without a browser').run();
