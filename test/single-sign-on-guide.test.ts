/** docs/single-sign-on.md: its configuration works as it stands, but for where the provider is. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '../src/config/config.ts';
import { freePort } from './support/free-port.ts';
import { request, signInThere, startIdentityProvider } from './support/identity-provider.ts';
import { startRegistry } from './support/service.ts';
import { assert, suite } from './support/suite.ts';

const test = suite('guide to single sign-on');

async function settingsInGuide(): Promise<Record<string, string>> {
  const guide = await readFile(
    fileURLToPath(new URL('../docs/single-sign-on.md', import.meta.url)),
  );
  const [, block = ''] = /```sh\n([\s\S]*?)```/.exec(guide.toString()) ?? [];
  const lines = block.trim().split('\n');
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = '', value = ''] = /^(GATEBOOK_\w+)='?(.*?)'?$/.exec(line) ?? [];
      return [name, value];
    }),
  );
}

test('the configuration of the guide signs somebody in', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatebook-guide-'));
  const settings = await settingsInGuide();
  assert.is(Object.keys(settings).length, 6);
  const secret = join(folder, 'secret');
  await writeFile(secret, 'hunter2hunter2\n');
  const written = { ...settings, GATEBOOK_OIDC_CLIENT_SECRET_FILE: secret };
  assert.is(parseConfig(written).sso?.name, 'Plant Identity');

  const port = await freePort();
  const provider = await startIdentityProvider(port);
  await writeFile(secret, `${provider.clientSecret}\n`);
  provider.people.set('bob', { preferred_username: 'bob', groups: ['shift'] });
  const world = await startRegistry({
    ...written,
    GATEBOOK_HTTP_PORT: String(port),
    GATEBOOK_HTTPS_PORT: 'off',
    GATEBOOK_PUBLIC_URL: `http://127.0.0.1:${port}`,
    GATEBOOK_OIDC_ISSUER: provider.issuer,
  });
  const jar = new Map();
  const back = await signInThere(
    jar,
    `${world.url}/page/sso/start`,
    'bob',
    `${world.url}/page/sso/callback`,
  );
  assert.is((await request(jar, back)).to?.href, `${world.url}/`);
  assert.equal((await world.call('GET', '/api/users/bob@sso')).body.roles, ['registrar']);
  await world.stop();
  await provider.stop();
  await rm(folder, { recursive: true, force: true });
});

test.run();
