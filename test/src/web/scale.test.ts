import { randomBytes } from 'node:crypto';
import { type Desk, hasChromium, openDesk, rowOf } from '../../support/browser.ts';
import { assert, suite } from '../../support/suite.ts';

const waitingCount = 5_000;
/** Milliseconds of one frame that nobody feels as a stop, on a slow and busy machine. */
const longestTaskMs = 1_000;

const test = suite<{ desk: Desk }>('page scale');
test.before(async (world) => {
  world.desk = await openDesk({
    GATEBOOK_PENDING_PER_SOURCE_MAX: '10000',
    GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0',
    GATEBOOK_LOG_LEVEL: 'error',
  });
});
test.after(async ({ desk }) => {
  await desk.stop();
  assert.equal(desk.complaints, []);
});

const secondsToRow = async (
  desk: Desk,
  page: Awaited<ReturnType<Desk['signedIn']>>,
  name: string,
) => {
  const started = performance.now();
  await desk.ask(name);
  await rowOf(page, name).waitFor();
  return Math.round(performance.now() - started);
};

test('5,000 waiting requests: few are drawn, scrolling does not stop, a new one shows at once', async ({
  desk,
}) => {
  await desk.unlock({ maxRequests: 20_000 });
  const page = await desk.signedIn({ viewport: { width: 1_200, height: 800 } });
  const alone = await secondsToRow(desk, page, 'first-alone');
  for (let at = 0; at < waitingCount; at += 100)
    await Promise.all(
      Array.from({ length: 100 }, (_, one) =>
        desk.ask(`device-${at + one}`, { pairingId: randomBytes(3).toString('hex') }),
      ),
    );
  await page.getByText(/5,001 wait for a decision/).waitFor({ timeout: 30_000 });
  const drawn = await page.locator('.request').count();
  assert.ok(drawn < 80, `${drawn} rows are drawn`);
  assert.is(await page.locator('.request').first().getAttribute('aria-setsize'), '5001');

  assert.ok(
    await page.evaluate(() => PerformanceObserver.supportedEntryTypes.includes('longtask')),
  );
  await page.evaluate(() => {
    const seen = globalThis as { longest?: number };
    seen.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries())
        seen.longest = Math.max(seen.longest ?? 0, duration);
    }).observe({ type: 'longtask' });
  });
  for (const part of [0.25, 0.5, 0.75, 1, 0.4, 0]) {
    await page.evaluate((to) => scrollTo(0, document.body.scrollHeight * to), part);
    await page.waitForFunction(() =>
      [...document.querySelectorAll('.request')].some((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        return bottom > 0 && top < innerHeight;
      }),
    );
  }
  const longest = await page.evaluate(() => (globalThis as { longest?: number }).longest ?? 0);
  assert.ok(longest < longestTaskMs, `a task took ${longest} ms`);
  const among = await secondsToRow(desk, page, 'last-among-many');
  await page.getByLabel('Find by name or pairing ID').fill('device-4321');
  await rowOf(page, 'device-4321').waitFor();
  await page.getByText('1 found').waitFor();
  console.log(
    `row after ${alone} ms alone, ${among} ms among 5,000; longest task ${longest === 0 ? 'under 50' : longest} ms`,
  );
  await page.context().close();
});

if (hasChromium()) test.run();
else suite('page scale, without a browser').run();
