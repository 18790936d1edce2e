/** Client certificates at EMQX, which tells them whole (`${cert_pem}`, from 5.7.1 on): the log judges each, by its serial. */

import { callOverTls, certifiedClient, certify } from '../../../support/certificate-in-hand.ts';
import { certified, mqttRights, strangersAuthority } from '../../../support/certified.ts';
import { newCsr } from '../../../support/csr.ts';
import { strong } from '../../../support/door.ts';
import { assert } from '../../../support/suite.ts';
import { bearer, emqxBroker } from './emqx-peer.ts';
import { type AskingBroker, askingBrokerSuite, asks, eventually } from './peer.ts';

const test = askingBrokerSuite('certificates at emqx', emqxBroker);

/** The leaf alone, as EMQX has it of the handshake. */
const leafOf = (chain: string) =>
  /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/.exec(chain)?.[0];

const resultOf = async ({ world }: AskingBroker, shown: object) =>
  (await asks(world, 'emqx/authn', { clientid: 'c-1', password: '', ...shown }, bearer)).body;

test('alone, or beside a password that is right, and never with the name of another', async (here) => {
  const { username, password, identity } = await certified(here.world, here.door, 'both');
  const cert_pem = leafOf(identity?.cert ?? '');
  const answer = await resultOf(here, { username, cert_pem });
  assert.is(answer.result, 'allow');
  // Nobody gave the access an end: it is the certificate's.
  const [{ expiresAt }] = (await here.door.user(username)).credentials;
  assert.is(answer.expire_at, Math.floor(Date.parse(expiresAt) / 1_000));
  for (const [shown, result] of [
    [{ username, password, cert_pem }, 'allow'],
    [{ username, password: 'undefined', cert_pem }, 'allow'],
    [{ username, password: null, cert_pem }, 'allow'],
    [{ username, password: strong(), cert_pem }, 'deny'],
    [{ username: 'somebody', cert_pem }, 'deny'],
    [{ username: '', cert_pem }, 'deny'],
    [{ username: null, cert_pem }, 'deny'],
    [{ username, password }, 'deny'],
    [{ username, password, cert_pem: 'undefined' }, 'deny'],
    [{ username, cert_pem: '' }, 'deny'],
    [
      { username, cert_pem: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
      'deny',
    ],
  ] as const)
    assert.is((await resultOf(here, shown)).result, result, JSON.stringify(shown));
});

test("somebody else's certificate counts as none", async (here) => {
  const strangers = await strangersAuthority();
  const { username, password } = await here.door.active();
  const cert_pem = leafOf(strangers(username).cert);
  assert.is((await resultOf(here, { username, cert_pem })).result, 'deny');
  assert.is((await resultOf(here, { username, password, cert_pem })).result, 'allow');
});

test('what ends access refuses the certificate at once, and closes the session', async (here) => {
  for (const change of ['suspend', 'revoke', 'rotate', 'erase'] as const) {
    const { username, identity } = await certified(here.world, here.door, 'key');
    const cert_pem = leafOf(identity?.cert ?? '');
    assert.is((await resultOf(here, { username, cert_pem })).result, 'allow');
    here.sessions.set(username, ['c-1']);
    await here.door.change(username, change);
    assert.is((await resultOf(here, { username, cert_pem })).result, 'deny', change);
    await eventually(() => ((here.sessions.get(username) ?? []).length === 0 ? true : undefined));
  }
});

test('the next certificate is taken by its first connect, and the old one refuses after it', async (here) => {
  const first = await certify(here, mqttRights);
  const { username, keys } = first;
  const shown = (cert: string) => ({ username, cert_pem: leafOf(cert) });
  assert.is((await resultOf(here, shown(first.cert))).result, 'allow');
  here.sessions.set(username, ['c-1']);
  const { csr } = newCsr(username, keys);
  const renewal = '/api/client-registry/certificate';
  const { body } = await callOverTls(here.world, first, renewal, { body: { csr } });
  const next = certifiedClient(username, keys, body.certificate);
  assert.is((await resultOf(here, { ...shown(next.cert), clientid: 'c-2' })).result, 'allow');
  assert.is((await resultOf(here, shown(first.cert))).result, 'deny');
  await eventually(() => ((here.sessions.get(username) ?? []).length === 0 ? true : undefined));
});

test.run();
