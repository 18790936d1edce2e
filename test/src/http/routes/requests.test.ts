/** Every field of every body: what it takes, and where it is refused. */

import type { z } from 'zod';
import {
  Authorization,
  Because,
  BulkDeny,
  BulkGrant,
  CreateToken,
  CreateUser,
  Deny,
  EventsQuery,
  Grant,
  Login,
  PageQuery,
  PutRole,
  Register,
  RequestsQuery,
  Rotate,
  SentInstant,
  TokensQuery,
  Unlock,
  UsersQuery,
} from '../../../../src/api/input.ts';
import { parsedBody, parsedQuery } from '../../../../src/http/request/parse.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('http requests');

const id = '0e9c5a48-5a5f-4c55-9b3f-6f3f2b1a7c11';
const permission = { context: 'mqtt', resource: 'plant/#', operation: 'read' };
const texts = [1, null, [], {}, 'a\0b', '\ud800'];
const times = [
  '',
  'tomorrow',
  '2026-02-30T00:00:00Z',
  '2026-11-23',
  '2026-11-23T10:00:00',
  1,
  null,
];
const usernames = [
  '',
  'ab',
  'a/b/c',
  'a#bc',
  'a+bc',
  '.abc',
  'x'.repeat(129),
  'tür',
  'a b c',
  ...texts,
];

/** By field: values it takes, values it refuses. */
const fields: Record<string, [good: readonly unknown[], bad: readonly unknown[]]> = {
  username: [['abc', 'A1._@:-', 'x'.repeat(128)], usernames],
  password: [
    ['12345', 'ü'.repeat(512)],
    ['', 'ü'.repeat(513), 'x'.repeat(1_025), ...texts],
  ],
  csr: [['-----BEGIN CERTIFICATE REQUEST-----'], ['', ...texts]],
  pairingId: [
    ['a1b2c3', 'A1B2C3'],
    ['a1b2c', 'a1b2c3d', 'g1b2c3', '', ...texts],
  ],
  context: [
    [{}, { a: '' }, { ['k'.repeat(128)]: 'x'.repeat(1_000) }],
    [
      { a: 1 },
      { a: null },
      { a: {} },
      { a: 'x'.repeat(1_001) },
      { '': 'x' },
      { ['k'.repeat(129)]: '' },
      { a: '\ud800' },
      { 'a\0': '' },
      Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`k${n}`, ''])),
      [],
      'x',
      null,
    ],
  ],
  requestedRoles: [
    [[], ['press']],
    [['a b'], [1], Array(33).fill('r'), 'press', null],
  ],
  requestedPermissions: [
    [[], [permission]],
    [[{}], [{ ...permission, x: 1 }], Array(257).fill(permission), null],
  ],
  roles: [
    [[], ['press']],
    [['/'], Array(33).fill('r'), null],
  ],
  permissions: [
    [[], [permission]],
    [
      [{ ...permission, resource: '' }],
      [{ ...permission, resource: 'a+' }],
      [{ ...permission, resource: '#/a' }],
      [{ ...permission, resource: 'x'.repeat(513) }],
      [{ ...permission, context: 'http' }],
      [{ ...permission, operation: 'all' }],
      null,
    ],
  ],
  mqttPublishPrefix: [
    ['plant/', null],
    ['a+', '#', '$SYS/', '', 'x'.repeat(513), 1],
  ],
  mqttClientId: [
    ['c1', null],
    ['', 'x'.repeat(129), 1],
  ],
  expiresAt: [['2030-01-01T00:00:00Z', null], times.filter((time) => time !== null)],
  blockedUntil: [['2030-01-01T00:00:00Z'], times],
  reason: [
    ['', 'x'.repeat(1_000)],
    ['x'.repeat(1_001), ...texts],
  ],
  note: [
    ['', 'x'.repeat(1_000)],
    ['x'.repeat(1_001), ...texts],
  ],
  description: [['x'.repeat(1_000)], ['x'.repeat(1_001), ...texts]],
  confirmContested: [
    [true, false],
    ['true', 1, null],
  ],
  ids: [
    [[id], Array(1_000).fill(id)],
    [[], ['x'], Array(1_001).fill(id), id, null],
  ],
  durationMs: [
    [1, 86_400_000],
    [0, 86_400_001, 1.5, '1', null, -1],
  ],
  maxRequests: [
    [1, 1_000_000],
    [0, 1_000_001, 1.5, '1', null],
  ],
  usernamePattern: [
    ['*', 'press-?'],
    ['', 'x'.repeat(257), ...texts],
  ],
  sources: [
    [[], ['10.0.0.0/8', 'fd00::/8', '::1/128']],
    [['10.0.0.1'], ['10.0.0.0/33'], ['x/8'], ['fd00::/129'], Array(65).fill('10.0.0.0/8'), null],
  ],
  expireTimeInHours: [
    [1, 100_000],
    [0, 100_001, 1.5, '12', null],
  ],
  label: [
    ['x', 'x'.repeat(200)],
    ['', 'x'.repeat(201), ...texts],
  ],
};

const bodies: Record<string, [schema: z.ZodType, least: Record<string, unknown>, ...string[]]> = {
  Register: [
    Register,
    // A password, or a csr: the route says so where both are missing.
    { username: 'abc' },
    ...['password', 'csr'],
    'pairingId',
    'context',
    'requestedRoles',
    'requestedPermissions',
  ],
  Unlock: [Unlock, {}, 'durationMs', 'maxRequests', 'usernamePattern', 'sources', 'note'],
  Grant: [
    Grant,
    {},
    ...['roles', 'permissions', 'mqttPublishPrefix', 'mqttClientId', 'expiresAt'],
    'reason',
    'confirmContested',
  ],
  BulkGrant: [BulkGrant, { ids: [id] }, 'roles', 'expiresAt', 'reason', 'confirmContested'],
  Deny: [Deny, {}, 'reason', 'blockedUntil'],
  BulkDeny: [BulkDeny, { ids: [id] }, 'reason', 'blockedUntil'],
  CreateUser: [
    CreateUser,
    { username: 'abc' },
    ...['password', 'roles', 'permissions', 'mqttPublishPrefix', 'mqttClientId', 'expiresAt'],
    'reason',
  ],
  Authorization: [
    Authorization,
    {},
    ...['roles', 'permissions', 'mqttPublishPrefix', 'mqttClientId', 'expiresAt'],
    'reason',
  ],
  Because: [Because, {}, 'reason'],
  Rotate: [Rotate, {}, 'password', 'reason'],
  PutRole: [PutRole, { permissions: [] }, 'description'],
  Login: [Login, { username: 'abc', password: 'x' }, 'expireTimeInHours', 'label'],
  CreateToken: [CreateToken, { label: 'x' }, 'username', 'expireTimeInHours'],
};

const placesOf = (schema: z.ZodType, body: unknown) =>
  parsedBody(schema, body).faults?.map((fault) => ('pointer' in fault ? fault.pointer : '')) ?? [];

for (const [name, [schema, least, ...optional]] of Object.entries(bodies)) {
  test(`${name} is taken with the least it needs`, () => assert.equal(placesOf(schema, least), []));

  test(`${name} names each field that it misses`, () =>
    assert.equal(
      placesOf(schema, {}),
      Object.keys(least).map((field) => `#/${field}`),
    ));

  test(`${name} knows no other key`, () => {
    assert.equal(placesOf(schema, { ...least, frob: 1 }), ['#/frob']);
    const later = ['preauthorizationId', ...(name === 'Register' ? [] : ['csr', 'enrolmentCode'])];
    for (const key of later) assert.equal(placesOf(schema, { ...least, [key]: 'x' }), [`#/${key}`]);
  });

  for (const field of [...Object.keys(least), ...optional]) {
    test(`${name}.${field}`, () => {
      const [good, bad] = fields[field] ?? [[], []];
      assert.ok(good.length > 0 && bad.length > 0, `${field} has values of both kinds`);
      for (const value of good) assert.equal(placesOf(schema, { ...least, [field]: value }), []);
      for (const value of bad) {
        const places = placesOf(schema, { ...least, [field]: value });
        const here = places.every(
          (place) => place === `#/${field}` || place.startsWith(`#/${field}/`),
        );
        assert.ok(places.length > 0 && here, `${JSON.stringify(value)?.slice(0, 60)}: ${places}`);
      }
    });
  }
}

test('the pairing ID is kept in lower case', () =>
  assert.is(
    Register.parse({ username: 'abc', password: '12345', pairingId: 'A1B2C3' }).pairingId,
    'a1b2c3',
  ));

for (const [sent, kept] of [
  ['2026-11-23T10:00:00.000Z', '2026-11-23T10:00:00.000Z'],
  ['2026-11-23T10:00:00Z', '2026-11-23T10:00:00.000Z'],
  ['2026-11-23T12:00:00.5+02:00', '2026-11-23T10:00:00.500Z'],
  ['2026-11-23T10:00:00.123456789Z', '2026-11-23T10:00:00.123Z'],
  ['2024-02-29T23:59:59-00:00', '2024-02-29T23:59:59.000Z'],
  ['2025-02-29T00:00:00Z', undefined],
  ['2026-11-23T24:00:00Z', undefined],
  ['2026-11-23T10:00:60Z', undefined],
  ['2026-11-23T10:00:00+24:00', undefined],
  ['0000-01-01T00:00:00+10:00', undefined],
  ['2026-11-23t10:00:00z', undefined],
] as const) {
  test(`the instant ${sent} is ${kept ?? 'refused'}`, () =>
    assert.is(SentInstant.safeParse(sent).data, kept));
}

for (const [name, schema, good, bad] of [
  [
    'page',
    PageQuery,
    ['', 'limit=1', 'limit=1000', 'cursor=abc'],
    [
      'limit=0',
      'limit=1001',
      'limit=x',
      'limit=',
      'limit=1.0',
      'limit=01',
      'limit=-1',
      'limit=1&limit=2',
      'cursor=',
      'page=2',
    ],
  ],
  [
    'requests',
    RequestsQuery,
    ['status=pending&q=a'],
    ['status=', 'status=all', `q=${'x'.repeat(129)}`, 'q=%00'],
  ],
  ['users', UsersQuery, ['status=active&role=press&q=a'], ['status=granted', 'role=%2F']],
  ['tokens', TokensQuery, ['username=abc'], ['username=a']],
  [
    'events',
    EventsQuery,
    [
      `username=abc&windowId=${id}&actor=ada&type=RegistrationGranted&since=2026-11-23T10:00:00Z&until=2026-11-23T10:00:00%2B02:00&q=a&order=asc`,
    ],
    ['order=up', 'since=now', 'windowId=1'],
  ],
] as [string, z.ZodType, string[], string[]][]) {
  test(`the query of ${name}`, () => {
    for (const query of good) assert.is(parsedQuery(schema, query).faults, undefined, query);
    for (const query of bad) assert.is(parsedQuery(schema, query).faults?.length, 1, query);
  });
}

test('a page has 100 items unless asked otherwise', () =>
  assert.equal(parsedQuery(PageQuery, ''), { value: { limit: 100 } }));

test.run();
