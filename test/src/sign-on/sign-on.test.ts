/** Each way to the identity provider and back is good once, for a time, and at every node with the same keys. */

import {
  deviceSignInsMax,
  deviceSignInsPerSourceMax,
  ssoFlowMs,
} from '../../../src/limits/sign-on.ts';
import { addMs } from '../../../src/platform/instant.ts';
import { type IdentityProvider, NotProven } from '../../../src/sign-on/identity-provider.ts';
import { createSealing } from '../../../src/sign-on/sealing.ts';
import { createSignOn, TooManyWaiting } from '../../../src/sign-on/sign-on.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('sign-on');
const start = '2026-01-01T10:00:00.000Z';
const bob = {
  issuer: 'https://id.example',
  personId: 'b'.repeat(64),
  username: 'bob@sso',
  roles: [],
};

function node({ pepper = Buffer.alloc(32, 1), device = {} } = {}) {
  let at = start;
  const answers: Awaited<ReturnType<IdentityProvider['askDevice']>>[] = [];
  const asked: string[] = [];
  const provider: IdentityProvider = {
    begin: async () => ({
      url: 'https://id.example/auth',
      flow: { state: 's', nonce: 'n', verifier: 'v' },
    }),
    finish: async (query, flow) => {
      asked.push(`${query} ${flow.state} ${flow.nonce} ${flow.verifier}`);
      return bob;
    },
    beginDevice: async () => ({
      ...{ code: 'c', userCode: 'AB-CD', verificationUri: 'https://id.example/device' },
      ...{ intervalS: 5, expiresInS: 60, ...device },
    }),
    askDevice: async (code) => {
      asked.push(code);
      return answers.shift() ?? 'waiting';
    },
  };
  const sealing = createSealing(pepper);
  const signOn = createSignOn({ provider, sealing, now: () => at });
  return { ...signOn, asked, answers, later: (ms: number) => (at = addMs(at, ms)) };
}

const rejects = async (act: Promise<unknown>, kind: new () => Error) =>
  await act.then(
    () => assert.unreachable('it was let through'),
    (error) => assert.instance(error, kind),
  );
const notProven = (act: Promise<unknown>) => rejects(act, NotProven as new () => Error);

test('what a browser keeps is good once', async () => {
  const one = node();
  const { kept } = await one.begin();
  assert.equal(await one.finish('code=x', kept), bob);
  await notProven(one.finish('code=y', kept));
  assert.equal(one.asked, ['code=x s n v']);
});

test('for ten minutes', async () => {
  const one = node();
  const { kept } = await one.begin();
  one.later(ssoFlowMs);
  await notProven(one.finish('code=x', kept));
  assert.equal(one.asked, []);
});

test('at a node with the same keys, and at no other', async () => {
  const { kept } = await node().begin();
  assert.equal(await node().finish('code=x', kept), bob);
  await notProven(node({ pepper: Buffer.alloc(32, 2) }).finish('code=x', kept));
});

test('nothing, something else and anything changed are nothing', async () => {
  const one = node();
  const { kept } = await one.begin();
  const { deviceCode } = await one.beginDevice('here');
  const bytes = Buffer.from(kept, 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await notProven(one.finish('code=x', changed.toString('base64url')));
  }
  for (const other of [null, '', 'x', deviceCode, kept.slice(0, -8)])
    await notProven(one.finish('code=x', other));
  await notProven(one.askDevice(kept));
  assert.equal(one.asked, []);
});

test('a device asks as often as it may, more slowly when told so, and is let in once', async () => {
  const one = node();
  const { deviceCode, intervalS } = await one.beginDevice('here');
  assert.is(intervalS, 5);
  one.answers.push('waiting', 'slow-down', bob);
  assert.equal(await one.askDevice(deviceCode), { waiting: true, intervalS: 5 });
  assert.equal(await one.askDevice(deviceCode), { waiting: true, intervalS: 5 });
  assert.is(one.asked.length, 1);
  one.later(5_000);
  assert.equal(await one.askDevice(deviceCode), { waiting: true, intervalS: 10 });
  one.later(5_000);
  await one.askDevice(deviceCode);
  assert.is(one.asked.length, 2);
  one.later(5_000);
  assert.equal(await one.askDevice(deviceCode), bob);
  one.later(60_000);
  await notProven(one.askDevice(deviceCode));
});

test('its code ends when the provider’s does', async () => {
  const one = node();
  const { deviceCode } = await one.beginDevice('here');
  one.later(60_000);
  await notProven(one.askDevice(deviceCode));
});

test('so many wait from one source, so many in all, and none for ever', async () => {
  const one = node();
  for (let n = 0; n < deviceSignInsPerSourceMax; n++) await one.beginDevice('here');
  await rejects(one.beginDevice('here'), TooManyWaiting);
  for (let n = deviceSignInsPerSourceMax; n < deviceSignInsMax; n++)
    await one.beginDevice(`from ${n}`);
  await rejects(one.beginDevice('elsewhere'), TooManyWaiting);
  one.later(15 * 60_000);
  assert.ok(await one.beginDevice('here'));
});

test('a code or an address that a terminal would obey is not shown', async () => {
  for (const device of [
    { userCode: 'A\u001b[2J' },
    { userCode: '' },
    { verificationUri: 'http://id.example/device' },
    { verificationUri: 'https://id.example/\u001b]8;;' },
  ])
    await node({ device })
      .beginDevice('here')
      .then(
        () => assert.unreachable(JSON.stringify(device)),
        (error) => assert.is(error.name, 'ProviderUnavailable'),
      );
});

test.run();
