/** gatebook/device/browser in a real Chromium: from the first ask to MQTT, over a reload; and a page of another site. */
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { hasChromium } from '../../support/browser.ts';
import { startRegistry } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('a device in a browser');
const root = join(import.meta.dirname, '../../..');
const module = '/src/device/browser/register.ts';
const mqttModule = '/mqtt.js';
const guide = readFileSync(join(root, 'docs/device-author.md'), 'utf8');
/** The program of the guide, which says at the end what it got. */
const [, program = ''] =
  /```js\n(import { register } from 'gatebook\/device\/browser';[\s\S]*?)```/.exec(guide) ?? [];

/** As nginx would be set up: the page's own files, and the two routes of the door passed on. */
async function siteBefore(registry: string) {
  const server = createServer((asked, answer) => {
    const { url = '', method, headers } = asked;
    if (/^\/api\/client-registry\/(register|requests\/self)$/.test(url)) {
      const passed = request(registry + url, { method, headers }, (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
      });
      asked.pipe(passed);
      return;
    }
    const isCode = /^\/src\/device\/[\w/-]+\.ts$/.test(url);
    answer.setHeader(
      'Content-Type',
      isCode || url === mqttModule ? 'text/javascript' : 'text/html',
    );
    if (isCode) answer.end(stripTypeScriptTypes(readFileSync(join(root, url), 'utf8')));
    else if (url === mqttModule)
      answer.end(readFileSync(join(root, 'node_modules/mqtt/dist/mqtt.esm.js')));
    else
      answer.end(
        `<!doctype html><title>A panel</title><script type="importmap">{"imports":{"gatebook/device/browser":"${module}"}}</script>`,
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

/** In the page: registers, and says what came of it. */
const registering = `async ({ module, options }) => {
  const { register } = await import(module);
  try {
    const { status, registered, already, password, because } = await register({ username: 'panel-1', ...options });
    return { status, already, password, because: because?.status ?? null, prefix: registered?.mqttPublishPrefix };
  } catch (error) { return { error: error.name, status: error.status }; }
}`;
const connecting = `async ({ module, url, password }) => {
  const { default: mqtt } = await import(module);
  const client = await mqtt.connectAsync(url, { username: 'panel-1', password, reconnectPeriod: 0 });
  await client.publishAsync('plant/panel', 'on', { qos: 1 });
  await client.endAsync();
  return 'published';
}`;

test('is let in and publishes, goes on after a reload; a page of another site is not answered', async () => {
  const { chromium } = await import('playwright-core');
  const world = await startRegistry();
  const site = await siteBefore(world.url);
  const elsewhere = await siteBefore('http://127.0.0.1:9');
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  try {
    const page = await browser.newPage();
    const registers = (options: object) =>
      page.evaluate(`(${registering})(${JSON.stringify({ module, options })})`) as Promise<
        Record<string, unknown>
      >;
    await page.goto(site.url);
    const locked = await registers({ wait: false });
    assert.equal([locked.status, locked.because], ['undecided', 'locked']);

    await world.call('POST', '/api/client-registry/unlock', { body: {} });
    const asked = await registers({ wait: false });
    assert.equal([asked.status, asked.because], ['undecided', 'pending']);
    assert.is(asked.password, locked.password, 'one password over all asks');
    const shown = page.waitForFunction(`globalThis.shown?.includes('pending')`);
    const script = `globalThis.show = (status) => { globalThis.shown = status; };
        ${program}; globalThis.granted = { registered, password };`;
    const granting = page.addScriptTag({ type: 'module', content: script });
    await shown;
    const { body } = await world.call('GET', '/api/client-registry/requests');
    assert.match(body.items[0].pairingId, /^[0-9a-f]{6}$/);
    const permissions = [{ context: 'mqtt', operation: 'write', resource: 'plant/panel' }];
    const path = `/api/client-registry/requests/${body.items[0].requestId}/grant`;
    assert.is((await world.call('POST', path, { body: { permissions } })).status, 200);
    await granting;
    const granted = await page.waitForFunction('globalThis.granted');
    const { registered, password } = (await granted.jsonValue()) as {
      readonly registered: { readonly status: string };
      readonly password: string;
    };
    assert.equal([registered.status, password], ['granted', locked.password]);
    const sent = { module: mqttModule, url: world.webSocket, password };
    assert.is(await page.evaluate(`(${connecting})(${JSON.stringify(sent)})`), 'published');

    await page.reload();
    const again = { status: 'granted', already: true, because: null, prefix: null };
    assert.equal(await registers({}), { ...again, password });

    await page.goto(elsewhere.url);
    const foreign = await registers({ url: world.url, wait: false });
    assert.equal(foreign, { error: 'RegistryUnreachable', status: 'unreachable' });
    const { body: requests } = await world.call('GET', '/api/client-registry/requests');
    assert.is(requests.items.length, 1);
  } finally {
    await browser.close();
    await Promise.all([site.stop(), elsewhere.stop(), world.stop()]);
  }
});
if (hasChromium()) test.run();
else suite('a device in a browser, without one').run();
