/** Single sign-on in a real browser: there and back, as the page shows it, and what it says where that fails. */
import type { Page } from 'playwright-core';
import { type Desk, hasChromium, openDesk } from '../../support/browser.ts';
import { freePort } from '../../support/free-port.ts';
import { type IdentityProvider, startIdentityProvider } from '../../support/identity-provider.ts';
import { adminPassword } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite<{ desk: Desk; provider: IdentityProvider }>('page: single sign-on');
test.before(async (context) => {
  const port = await freePort();
  context.provider = await startIdentityProvider(port);
  context.desk = await openDesk(context.provider.environment(port));
  context.provider.people.set('bob', { preferred_username: 'bob', groups: ['plant-admins'] });
  context.provider.people.set('guest', { preferred_username: 'guest', groups: [] });
});
test.after(async ({ desk, provider }) => {
  await desk.stop();
  await provider.stop();
  assert.equal(desk.complaints, []);
});

async function throughProvider(page: Page, login: string) {
  await page.getByRole('link', { name: 'Sign in with Plant Identity' }).click();
  await page.waitForURL(/localhost/);
  await page.fill('[name=login]', login);
  await page.fill('[name=password]', 'x');
  await page.click('[type=submit]');
}
/** For who looks at it: `SHOTS=FOLDER` keeps pictures. */
const shot = async (page: Page, name: string) => {
  const { SHOTS } = process.env;
  if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/${name}.png` });
};

test('there, back and signed in, also after a reload; signed out', async ({ desk }) => {
  const page = await desk.open({}, `${desk.world.url}/#/requests?q=press-17`);
  await page.getByRole('link', { name: 'Sign in with Plant Identity' }).waitFor();
  await shot(page, 'offer');
  await throughProvider(page, 'bob');
  await page.waitForSelector('header .badge');
  await page.waitForSelector('text=Live');
  assert.is(page.url(), `${desk.world.url}/#/requests?q=press-17`);
  await page.getByText('press-17 does not wait here now').waitFor();
  await page.reload();
  await page.waitForSelector('text=Live');
  const cookies = await page.context().cookies(desk.world.url);
  assert.equal(
    cookies.map(({ name, httpOnly, sameSite }) => [name.replace(/\d+/, ''), httpOnly, sameSite]),
    [['gatebook-', true, 'Strict']],
  );
  await page.goto(`${desk.world.url}/#/clients/bob@sso`);
  await page.getByText('A person of the identity provider').waitFor();
  await page.getByText('Signed in at the identity provider').first().waitFor();
  assert.is(await page.getByText('Change rights…').count(), 0);
  await shot(page, 'person');
  await page.context().close();
});

test('who has no group that counts is told so on the page, and the local administrator comes in', async ({
  desk,
}) => {
  for (const [name, options] of Object.entries({
    refused: {},
    'refused-dark-phone': {
      colorScheme: 'dark' as const,
      viewport: { width: 390, height: 844 },
    },
  })) {
    const page = await desk.open(options);
    await throughProvider(page, 'guest');
    await page.getByRole('alert').getByText('nothing that it says of you gives access').waitFor();
    await shot(page, name);
    assert.is(page.url(), `${desk.world.url}/#/`);
    await page.fill('#user', 'admin');
    await page.context().close();
  }
});

test('the provider is away: the page says so, and a local account signs in', async ({
  desk,
  provider,
}) => {
  const page = await desk.open();
  await provider.away();
  await desk.world.restart();
  await page.goto(desk.world.url);
  await page.getByRole('link', { name: 'Sign in with Plant Identity' }).click();
  await page.getByRole('alert').getByText('does not answer').waitFor();
  await shot(page, 'away');
  await page.fill('#user', 'admin');
  await page.fill('#pass', adminPassword);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForSelector('text=Live');
  await provider.back();
  await page.context().close();
});

test('a link that says somebody was refused shows words of this page alone', async ({ desk }) => {
  const page = await desk.open({}, `${desk.world.url}/#/sign-in?refused=call-0900-evil`);
  await page.getByText('That sign-in did not work').waitFor();
  assert.is(await page.getByText('0900').count(), 0);
  await page.context().close();
});

if (hasChromium()) test.run();
else suite('page: single sign-on, without a browser').run();
