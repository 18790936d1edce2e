/** Single sign-on in the configuration: every fault is named at once, and a secret is repeated by none. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/config/fault.ts';
import { personName, personNameTest } from '../../../src/config/sso.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('single sign-on in the configuration');
const folder = mkdtempSync(join(tmpdir(), 'gatebook-sso-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const roles = '{"claim":"groups","roles":{"plant-admins":["administrator"],"shift":["registrar"]}}';
const good = {
  GATEBOOK_OIDC_ISSUER: 'https://id.example/realms/plant',
  GATEBOOK_OIDC_CLIENT_ID: 'gatebook',
  GATEBOOK_OIDC_CLIENT_SECRET: 'hunter2hunter2',
  GATEBOOK_OIDC_ROLES: roles,
  GATEBOOK_PUBLIC_URL: 'https://gate.example/',
};
const faults = (over: Record<string, string | undefined>, base: object = good) => {
  try {
    parseConfig({ ...base, ...over });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map(({ variable, problem, remedy }) => `${variable} ${problem}: ${remedy}`);
  }
};
const named = (over: Record<string, string | undefined>, base?: object) =>
  faults(over, base).map((fault) => fault.split(' ')[0]?.replace('GATEBOOK_', ''));

test('with everything that it needs, and defaults for the rest', () => {
  const { sso } = parseConfig(good);
  assert.equal(sso && { ...sso, roles: [...sso.roles] }, {
    issuer: 'https://id.example/realms/plant',
    clientId: 'gatebook',
    clientSecret: 'hunter2hunter2',
    name: 'single sign-on',
    realm: 'sso',
    sessionMs: 8 * 60 * 60 * 1_000,
    usernameClaim: 'preferred_username',
    rolesClaim: 'groups',
    roles: [
      ['plant-admins', ['administrator']],
      ['shift', ['registrar']],
    ],
    publicUrl: 'https://gate.example',
  });
});

test('the secret by a file', () => {
  const path = join(folder, 'secret');
  writeFileSync(path, 'from a file\n');
  const { GATEBOOK_OIDC_CLIENT_SECRET: _secret, ...rest } = good;
  const { sso } = parseConfig({ ...rest, GATEBOOK_OIDC_CLIENT_SECRET_FILE: path });
  assert.is(sso?.clientSecret, 'from a file');
});

test('everything that is missing is named at once', () => {
  assert.equal(named({}, { GATEBOOK_OIDC_ISSUER: 'https://id.example' }), [
    'OIDC_CLIENT_ID',
    'OIDC_CLIENT_SECRET',
    'OIDC_ROLES',
    'PUBLIC_URL',
  ]);
  assert.equal(named({ GATEBOOK_OIDC_CLIENT_ID: 'g', GATEBOOK_OIDC_REALM: 'plant' }, {}), [
    'OIDC_CLIENT_ID',
    'OIDC_REALM',
  ]);
});

for (const [name, values] of Object.entries({
  OIDC_ISSUER: [
    'http://id.example',
    'ftp://id.example',
    'id.example',
    'https://a@id.example',
    'https://id.example/?a=b',
  ],
  PUBLIC_URL: ['http://gate.example', 'http://10.0.0.1:8080'],
  OIDC_SESSION: ['0s', '25h', 'eight', '-1h'],
  OIDC_REALM: ['@sso', 's so', '-sso', 'ss\u00f6', 'a'.repeat(64)],
  OIDC_NAME: ['two\nlines', 'a'.repeat(65), 'left\u202eright'],
  OIDC_USERNAME_CLAIM: ['a'.repeat(129)],
  OIDC_ROLES: [
    'groups',
    '[]',
    '{"claim":"groups"}',
    '{"claim":"groups","roles":{}}',
    '{"claim":"groups","roles":{"a":[]}}',
    '{"claim":"groups","roles":{"a":["no role"]}}',
    '{"claim":"groups","roles":{"a":"administrator"}}',
    '{"claim":"","roles":{"a":["administrator"]}}',
    '{"claim":"groups","roles":{"a":["administrator"]},"more":1}',
    JSON.stringify({
      claim: 'groups',
      roles: Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`g${n}`, ['auditor']])),
    }),
    JSON.stringify({
      claim: 'groups',
      roles: {
        a: Array.from({ length: 17 }, (_, n) => `a${n}`),
        b: Array.from({ length: 16 }, (_, n) => `b${n}`),
      },
    }),
  ],
  OIDC_CLIENT_SECRET: ['x'.repeat(1_025)],
}))
  test(`what ${name} cannot be`, () => {
    for (const value of values)
      assert.equal(named({ [`GATEBOOK_${name}`]: value }), [name], value.slice(0, 80));
  });

test('on this machine no TLS is needed', () => {
  for (const url of ['http://localhost:8080', 'http://127.0.0.1:8080', 'http://[::1]:8080'])
    assert.equal(named({ GATEBOOK_PUBLIC_URL: url, GATEBOOK_OIDC_ISSUER: url }), []);
  assert.equal(named({ GATEBOOK_PUBLIC_URL: 'http://127.0.0.1.example' }), ['PUBLIC_URL']);
});

test('the first administrator has no name of a person', () =>
  assert.equal(named({ GATEBOOK_ADMIN_USERNAME: 'root@SSO' }), ['ADMIN_USERNAME']));

test('no fault repeats the secret', () =>
  assert.not.match(
    faults({ GATEBOOK_OIDC_CLIENT_SECRET: `hunter2${'x'.repeat(2_000)}` }).join(),
    /hunter2/,
  ));

test('names of people end in the realm, in whatever letters', () => {
  const isOfPerson = personNameTest({ realm: 'sso' });
  for (const name of ['bob@sso', 'bob@SSO', 'b@o@sso', '@sso']) assert.ok(isOfPerson(name), name);
  for (const name of ['bob', 'bobsso', 'bob@sso.example', 'sso'])
    assert.not(isOfPerson(name), name);
  assert.not(personNameTest(null)('bob@sso'));
});

test('a claim that makes no name is none', () => {
  const realm = { realm: 'sso' };
  assert.is(personName('bob', realm), 'bob@sso');
  assert.is(personName('bob@plant.example', realm), 'bob@plant.example@sso');
  for (const claim of [
    undefined,
    null,
    7,
    '',
    ' bob',
    'b\u00f6b',
    'b\u0456b',
    'bob\u200b',
    'bob\u0000',
    'a/b',
    '#',
    'x'.repeat(10_000),
    ['bob'],
    { a: 1 },
    '\ud800',
  ])
    assert.is(personName(claim, realm), null);
});

test.run();
