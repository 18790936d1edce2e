/** The page in a real Chromium, beside a real registry; where there is none, the reason is counted. */
import { randomBytes } from 'node:crypto';
import { accessSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type Answer, adminPassword, startRegistry, type World } from './service.ts';
import { skipped } from './skipped.ts';

// What a browser says and how it ended is asked for before playwright is loaded: it keeps it to itself.
const wordsFile = join(tmpdir(), `gatebook-browser-${process.pid}.log`);
process.env.DEBUG ??= 'pw:browser';
process.env.DEBUG_FILE ??= wordsFile;
process.on('exit', () => rmSync(wordsFile, { force: true }));
const { chromium } = await import('playwright-core');

const lastWords = (): string =>
  readFileSync(wordsFile, 'utf8').split('\n').slice(-lastWordsMax).join('\n  ');

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const executablePath = places.find((path) => {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
});

/** False where there is no Chromium, which is said once for each file. */
export function hasChromium(): boolean {
  if (executablePath === undefined) skipped('no chromium here');
  return executablePath !== undefined;
}

export interface Desk {
  readonly world: World;
  readonly browser: Browser;
  /** Everything the pages complained of, but for calls that were refused. */
  readonly complaints: string[];
  /** A page of a person of their own, not signed in. */
  open(options?: BrowserContextOptions, url?: string): Promise<Page>;
  /** The same, signed in as the administrator or another. */
  signedIn(
    options?: BrowserContextOptions,
    as?: { username: string; password: string },
  ): Promise<Page>;
  /** A device asks; the administrator's calls are `world.call`. */
  ask(username: string, more?: object): Promise<Answer>;
  unlock(limits?: object): Promise<void>;
  stop(): Promise<void>;
}

/** Far more than anything takes on a machine that does nothing else. */
const patienceMs = 90_000;
const lastWordsMax = 40;

export async function signIn(page: Page, username: string, password: string): Promise<void> {
  await page.fill('#user', username);
  await page.fill('#pass', password);
  await page.click('.signin [data-kind=main]');
  await page.waitForSelector('header .badge');
  await page.waitForSelector('text=Live');
}

export async function openDesk(environment: Record<string, string> = {}): Promise<Desk> {
  const world = await startRegistry(environment);
  const browser = await chromium.launch({
    executablePath: executablePath as string,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    timeout: patienceMs,
  });
  let stopping = false;
  browser.on('disconnected', () => {
    if (!stopping) setTimeout(() => console.error(`the browser ended:\n  ${lastWords()}`), 500);
  });
  const complaints: string[] = [];
  const open: Desk['open'] = async (options = {}, url = world.url) => {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(patienceMs);
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(String(error.stack)));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  };
  return {
    world,
    browser,
    complaints,
    open,
    async signedIn(options = {}, as = { username: 'admin', password: adminPassword }) {
      const page = await open(options);
      await signIn(page, as.username, as.password);
      return page;
    },
    ask: (username, more = {}) =>
      world.call('POST', '/api/client-registry/register', {
        token: null,
        body: { username, password: randomBytes(16).toString('hex'), ...more },
      }),
    async unlock(limits = {}) {
      await world.call('POST', '/api/client-registry/unlock', { body: limits });
    },
    async stop() {
      stopping = true;
      await browser.close();
      await world.stop();
    },
  };
}

/** A row of the list of requests. */
export const rowOf = (page: Page, username: string) =>
  page.locator('.request', { has: page.locator('h3', { hasText: username }) });
