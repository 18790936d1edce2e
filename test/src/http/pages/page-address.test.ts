/** What somebody types into a browser leads to the page; programs are answered by the API. */
import type { App } from '../../../../src/app.ts';
import { allRoutes, doorOnlyRoutes } from '../../../../src/http/server.ts';
import { assert, suite } from '../../../support/suite.ts';
import { type Shell, shell } from '../listening-application.ts';

const test = suite<{ service: Shell }>('addresses of the page');
test.before(async (world) => {
  world.service = await shell(allRoutes({} as App));
});
test.after(({ service }) => service.stop());

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const asked = async (url: string, accept: string, method = 'GET') => {
  const answer = await fetch(url, { method, headers: { accept }, redirect: 'manual' });
  return `${answer.status} ${answer.headers.get('location')}`;
};

test('a view by its name, and a client by its own', async ({ service: { url } }) => {
  assert.is(await asked(`${url}/clients`, browser), '302 /#/clients');
  assert.is(await asked(`${url}/clients/press-17`, browser), '302 /#/clients/press-17');
  assert.is(await asked(`${url}/requests/`, browser), '302 /#/requests');
});

test('nothing else, and nobody else', async ({ service: { url } }) => {
  for (const path of [
    '/nothing',
    '/constructor',
    '/clients/a/b',
    '/clients//evil.example',
    '/api/x',
  ])
    assert.is(await asked(url + path, browser), '404 null', path);
  for (const accept of ['*/*', 'application/json'])
    assert.is(await asked(`${url}/clients`, accept), '404 null', accept);
  assert.is(await asked(`${url}/clients`, browser, 'POST'), '404 null');
});

test('not at a door of its own, which has no page', async () => {
  const door = await shell(doorOnlyRoutes({} as App));
  assert.is(await asked(`${door.url}/clients`, browser), '404 null');
  await door.stop();
});

test.run();
