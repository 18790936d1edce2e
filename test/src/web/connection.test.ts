import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { type Desk, hasChromium, openDesk, rowOf, signIn } from '../../support/browser.ts';
import { adminPassword } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

/** A line to the service that can be cut, which a browser sees as a lost network. */
async function cuttable(port: number) {
  const sockets = new Set<Socket>();
  let cut = false;
  const server = createServer((inward) => {
    if (cut) {
      inward.destroy();
      return;
    }
    const outward = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [inward, outward],
      [outward, inward],
    ] as const) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    inward.pipe(outward).pipe(inward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      cut = true;
      drop();
    },
    mend() {
      cut = false;
    },
    async close() {
      drop();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const test = suite<{ desk: Desk }>('page connection');
test.before(async (world) => {
  world.desk = await openDesk();
  await world.desk.unlock();
});
test.after(async ({ desk }) => {
  await desk.stop();
  assert.equal(desk.complaints, []);
});

test('a lost connection is said, and what happened meanwhile is there when it is back', async ({
  desk,
}) => {
  const line = await cuttable(Number(new URL(desk.world.url).port));
  const page = await desk.open({}, line.url);
  await signIn(page, 'admin', adminPassword);
  await desk.ask('before-cut');
  await rowOf(page, 'before-cut').waitFor();
  line.cut();
  await page.getByText('Connection lost at').waitFor();
  await page.getByText('The lock may have changed since').waitFor();
  await desk.ask('while-cut');
  line.mend();
  await page.getByText('Try now').click();
  await rowOf(page, 'while-cut').waitFor();
  await page.waitForSelector('text=Live');
  assert.is(await page.getByText('Connection lost at').count(), 0);
  assert.is(await rowOf(page, 'before-cut').count(), 1, 'no row twice');
  await page.context().close();
  await line.close();
});

test('a session that ends keeps what was typed, and goes on after signing in', async ({ desk }) => {
  const page = await desk.signedIn();
  await desk.ask('typed-for');
  await rowOf(page, 'typed-for').getByText('Grant…').click();
  await page.getByLabel('Reason, for the log').fill('half a sentence');
  const tokens = (await desk.world.call('GET', '/api/tokens')).body.items;
  for (const { tokenId, label } of tokens)
    if (label === 'page') await desk.world.call('DELETE', `/api/tokens/${tokenId}`);
  await page.getByText('nothing you typed is lost').waitFor();
  await page.fill('#pass', adminPassword);
  await page.click('.signin [data-kind=main]');
  await page.waitForSelector('.over', { state: 'detached' });
  assert.is(await page.getByLabel('Reason, for the log').inputValue(), 'half a sentence');
  await page.getByText('Grant access', { exact: true }).click();
  await rowOf(page, 'typed-for').getByText('Active at embedded').waitFor();
  assert.is((await desk.world.call('GET', '/api/users/typed-for')).body.reason, 'half a sentence');
  await page.context().close();
});

test('a reload keeps the session, no script sees its token, and signing out ends it', async ({
  desk,
}) => {
  const page = await desk.signedIn();
  await page.reload();
  await page.waitForSelector('text=Live');
  const seen = await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage }));
  assert.not.match(seen, 'v4.public');
  const [cookie] = await page.context().cookies();
  assert.equal([cookie?.httpOnly, cookie?.sameSite], [true, 'Strict']);
  await page.goto(`${desk.world.url}/#/more`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForSelector('#user');
  assert.equal(await page.context().cookies(), []);
  const headers = { Cookie: `${cookie?.name}=${cookie?.value}`, 'Gatebook-Page': '1' };
  assert.is((await desk.world.call('GET', '/api/whoami', { token: null, headers })).status, 401);
  await page.context().close();
});

test('an answer that comes before the page has painted is shown all the same', async ({ desk }) => {
  const context = await desk.browser.newContext();
  const page = await context.newPage();
  // A machine short of time: frames, and timers that stand in for them, come long after the answers.
  await page.addInitScript(() => {
    const { setTimeout: later } = globalThis;
    globalThis.setTimeout = ((work: () => void, ms = 0) =>
      later(work, ms + 3_000)) as typeof setTimeout;
    globalThis.requestAnimationFrame = (work) =>
      Number(later(() => work(performance.now()), 3_000));
  });
  await page.goto(desk.world.url);
  await page.waitForSelector('#user', { timeout: 15_000 });
  await context.close();
});

if (hasChromium()) test.run();
else suite('page connection, without a browser').run();
