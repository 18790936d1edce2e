import * as fc from 'fast-check';
import {
  beyondOwn,
  compiled,
  covers,
  effectivePermissions,
  holdsHttpRights,
  levelsOf,
  mayCall,
  mayMeet,
  mayPublish,
  mayRead,
} from '../../domain/matching.ts';
import { MqttPublishPrefix, Permission } from '../../domain/permission.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('permission');

const mqtt = (resource: string, operation: Permission['operation'] = 'readWrite'): Permission => ({
  context: 'mqtt',
  resource,
  operation,
});
const http = (resource: string, operation: Permission['operation'] = 'readWrite'): Permission => ({
  context: 'http',
  resource,
  operation,
});
for (const [one, other, meets] of [
  ['a/b', 'a/b', true],
  ['a/b', 'a/+', true],
  ['+/b', 'a/+', true],
  ['a/#', 'a', true],
  ['#', 'a/b/#', true],
  ['a', 'a/b', false],
  ['a/+', 'b/+', false],
  ['a/b/c', 'a/b/#', true],
  ['+/x', 'a/b/#', false],
] as const)
  test(`${one} and ${other} ${meets ? 'meet' : 'have no topic in common'}`, () => {
    assert.is(mayMeet(levelsOf(one), levelsOf(other)), meets);
    assert.is(mayMeet(levelsOf(other), levelsOf(one)), meets);
  });

const covering = (filter: string, wanted: string) => covers(levelsOf(filter), levelsOf(wanted));

// ── What may stand in a permission ────────────────────────────────────────────────────────────────

// biome-ignore format: a table reads as a table
const resources: readonly [string, 'mqtt' | 'http', boolean][] = [
  ['a/b', 'mqtt', true],   ['#', 'mqtt', true],      ['+', 'mqtt', true],     ['a/+/b/#', 'mqtt', true],
  ['/', 'mqtt', true],     ['a//b', 'mqtt', true],   ['$SYS/#', 'mqtt', true], [`dev-\${username}/x`, 'mqtt', true],
  ['', 'mqtt', false],     ['a#', 'mqtt', false],    ['a/#/b', 'mqtt', false], ['a+/b', 'mqtt', false],
  ['a/b#', 'mqtt', false], ['+a', 'mqtt', false],    ['##', 'mqtt', false],   ['a\0b', 'mqtt', false],
  ['\ud800', 'mqtt', false], ['x'.repeat(512), 'mqtt', true], ['x'.repeat(513), 'mqtt', false],
  ['/api/#', 'http', true], ['/api/+/x', 'http', true], ['api/x', 'http', false], ['#', 'http', false], ['+/api', 'http', false],
];
for (const [resource, context, good] of resources)
  test(`${context} ${JSON.stringify(resource.slice(0, 20))} is ${good ? 'a' : 'no'} resource`, () =>
    assert.is(Permission.safeParse({ context, resource, operation: 'read' }).success, good));
test('a permission has three fields and no other', () => {
  assert.not.ok(Permission.safeParse({ ...mqtt('a'), effect: 'allow' }).success);
  assert.not.ok(Permission.safeParse({ ...mqtt('a'), operation: 'delete' }).success);
  assert.not.ok(Permission.safeParse({ ...mqtt('a'), context: 'ftp' }).success);
});
test('a publish prefix stands as it is', () => {
  for (const good of ['topicA/', 'a', '/', 'a//b'])
    assert.ok(MqttPublishPrefix.safeParse(good).success, good);
  for (const bad of ['', '+/', 'a/#', '$SYS/', 'x'.repeat(513), 'a\0'])
    assert.not.ok(MqttPublishPrefix.safeParse(bad).success, bad);
});

// ── Which filter contains which ───────────────────────────────────────────────────────────────────

// biome-ignore format: a table reads as a table
const containments: readonly [string, string, boolean][] = [
  ['a', 'a', true],          ['a', 'b', false],        ['a', 'a/b', false],      ['a/b', 'a', false],
  ['a/#', 'a', true],        ['a/#', 'a/b/c', true],   ['a/#', 'a/#', true],     ['a/#', 'a/+', true],
  ['a/+', 'a/b', true],      ['a/+', 'a/#', false],    ['a/+', 'a', false],      ['a/+', 'a/b/c', false],
  ['a/+', 'a/', true],       ['+/b', 'a/b', true],     ['+/b', '+/b', true],     ['a/b', 'a/+', false],
  ['#', 'a/b', true],        ['#', '#', true],         ['#', '+/+', true],       ['+', '#', false],
  ['+/#', '#', true],        ['+/+/#', '#', false],    ['+/+/#', '+/#', false],  ['+/#', 'a', true],
  ['#', '$SYS/x', false],    ['+/x', '$SYS/x', false], ['+/#', '$SYS/#', false], ['$SYS/#', '$SYS/x', true],
  ['$SYS/+', '$SYS/#', false], ['$SYS/#', '#', false], ['a/#', '#', false],      ['a/+/#', 'a/#', false],
  ['a/$x', 'a/$x', true],    ['a/+', 'a/$x', true],    ['a/#', 'a/$x/y', true],  ['/#', 'a', false],
  ['/+', '/a', true],        ['A', 'a', false],
];
for (const [filter, wanted, good] of containments)
  test(`${filter} ${good ? 'covers' : 'does not cover'} ${wanted}`, () =>
    assert.is(covering(filter, wanted), good));

/** A topic that a filter matches, straight from [MQTT-4.7.1] and [MQTT-4.7.2-1]. */
function matches(filter: readonly string[], topic: readonly string[]): boolean {
  const [head, ...rest] = filter;
  if (topic[0]?.startsWith('$') && (head === '#' || head === '+')) return false;
  const from = (f: readonly string[], t: readonly string[]): boolean => {
    const [level, ...others] = f;
    if (level === '#') return true;
    if (level === undefined) return t.length === 0;
    if (t.length === 0) return false;
    return (level === '+' || level === t[0]) && from(others, t.slice(1));
  };
  if (head === '#' && rest.length === 0) return topic.length > 0;
  // The parent level belongs to `#` too.
  return from(filter, topic) || (filter.at(-1) === '#' && from(filter.slice(0, -1), topic));
}

function words(alphabet: readonly string[], lengthMax: number): string[][] {
  let last: string[][] = [[]];
  const all: string[][] = [];
  for (let length = 1; length <= lengthMax; length++) {
    last = last.flatMap((word) => alphabet.map((level) => [...word, level]));
    all.push(...last);
  }
  return all;
}
// `z` stands in no filter: it is any level that nobody thought of.
const topics = words(['a', '', '$s', 'z'], 4);
const filters = [
  ...words(['a', '', '$s', '+'], 3),
  ['#'],
  ...words(['a', '', '$s', '+'], 2).map((word) => [...word, '#']),
];
const matched = new Map(
  filters.map((filter) => [filter, topics.map((topic) => matches(filter, topic))]),
);

test('covers says what a comparison of all topics says, for every pair of filters', () => {
  for (const filter of filters)
    for (const wanted of filters) {
      const mine = matched.get(filter) ?? [];
      const theirs = matched.get(wanted) ?? [];
      const contained = theirs.every((hit, at) => !hit || mine[at]);
      assert.is(covers(filter, wanted), contained, `${filter.join('/')} ⊇ ${wanted.join('/')}`);
    }
});
test('covers says which topics a filter matches', () => {
  for (const filter of filters)
    for (const [at, topic] of topics.entries())
      assert.is(
        covers(filter, topic),
        matched.get(filter)?.[at] ?? false,
        `${filter.join('/')} ∋ ${topic.join('/')}`,
      );
});

// ── What a set of permissions allows ──────────────────────────────────────────────────────────────

test('read is subscribe, write is publish, and neither is the other', () => {
  const own = compiled([mqtt('r/#', 'read'), mqtt('w/#', 'write'), mqtt('b/#')]);
  // biome-ignore format: a table reads as a table
  for (const [topic, reads, writes] of [['r/1', true, false], ['w/1', false, true], ['b/1', true, true], ['x', false, false]] as const) {
    assert.is(mayRead(own, topic), reads, topic);
    assert.is(mayPublish(own, topic), writes, topic);
  }
});
test('the topics of the registry are written by nobody else, and read by permission', () => {
  const own = compiled([mqtt('#'), mqtt('gatebook/registry/#'), mqtt('gatebook/registry')]);
  for (const topic of [
    'gatebook/registry',
    'gatebook/registry/',
    'gatebook/registry/clients/a/state',
  ]) {
    assert.not.ok(mayPublish(own, topic), topic);
    assert.ok(mayRead(own, topic), topic);
  }
  for (const topic of [
    'gatebook',
    'gatebook/registryx',
    '/gatebook/registry/x',
    'Gatebook/registry/x',
  ])
    assert.ok(mayPublish(own, topic), topic);
});
test('a subscription is allowed only if everything it can match is', () => {
  const own = compiled([mqtt('a/+', 'read'), mqtt('a/b/#', 'read')]);
  assert.ok(mayRead(own, 'a/+'));
  assert.not.ok(mayRead(own, 'a/#'));
  assert.ok(mayRead(own, 'a/b/#'));
  assert.not.ok(mayRead(own, '#'));
});
test('HTTP rights open no topic, and MQTT rights no route', () => {
  const own = compiled([mqtt('/api/#'), http('/plant/#')]);
  assert.not.ok(mayRead(own, '/plant/x'));
  assert.not.ok(mayCall(own, ['', 'api', 'x'], 'read'));
  assert.ok(mayCall(own, ['', 'plant', 'x'], 'write'));
});
test('a decoded segment is one level, whatever stands in it', () => {
  const own = compiled([http('/api/users/+')]);
  assert.ok(mayCall(own, ['', 'api', 'users', 'a/b'], 'read'));
  assert.not.ok(mayCall(own, ['', 'api', 'users', 'a', 'b'], 'read'));
  assert.not.ok(mayCall(own, ['', 'api', 'users', '#'], 'read'));
  assert.not.ok(mayCall(compiled([http('/api/users/a')]), ['', 'api', 'users', '+'], 'read'));
});
test('GET is read, the rest is write, and neither is the other', () => {
  const own = compiled([http('/r', 'read'), http('/w', 'write'), http('/b')]);
  // biome-ignore format: a table reads as a table
  for (const [path, reads, writes] of [['r', true, false], ['w', false, true], ['b', true, true], ['x', false, false]] as const) {
    assert.is(mayCall(own, ['', path], 'read'), reads, path);
    assert.is(mayCall(own, ['', path], 'write'), writes, path);
  }
});
test('HTTP rights are held by whoever has one', () => {
  assert.not.ok(holdsHttpRights([mqtt('#')]));
  assert.ok(holdsHttpRights([mqtt('#'), http('/api/x', 'read')]));
});

// ── Templates ─────────────────────────────────────────────────────────────────────────────────────

const effective = (
  permissions: Permission[],
  over: { username?: string; mqttClientId?: string | null; roles?: string[] } = {},
  permissionsOf: (role: string) => readonly Permission[] = () => [],
) =>
  effectivePermissions(
    { username: 'press-07', roles: [], mqttClientId: null, permissions, ...over },
    permissionsOf,
  );

test('the name fills a template', () =>
  assert.equal(effective([mqtt(`plant/\${username}/\${username}-x`)]), [
    mqtt('plant/press-07/press-07-x'),
  ]));
test('the client id fills one only where the grant pins it', () => {
  assert.equal(effective([mqtt(`c/\${clientId}`)]), []);
  assert.equal(effective([mqtt(`c/\${clientId}`)], { mqttClientId: 'c1' }), [mqtt('c/c1')]);
});
for (const value of ['+', '#', 'a/b', 'a+', 'a#', '/', '$SYS', ''])
  test(`${JSON.stringify(value)} fills nothing`, () =>
    assert.equal(effective([mqtt(`c/\${clientId}`), mqtt('d')], { mqttClientId: value }), [
      mqtt('d'),
    ]));
for (const value of ['a$&b', 'a$`b', "a$'b", 'a$$b', 'a$1b', `a\${username}`])
  test(`${value} fills as it stands`, () =>
    assert.equal(effective([mqtt(`c/x/\${clientId}/y`)], { mqttClientId: value }), [
      mqtt(`c/x/${value}/y`),
    ]));
test('no value changes how many levels there are, or makes a wildcard', () =>
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom('a', '/', '+', '#', '$', '`', '&', "'", '{', '}', '1'),
        maxLength: 6,
      }),
      fc.constantFrom(
        `\${clientId}`,
        `x/\${clientId}/y`,
        `x/pre-\${clientId}`,
        `\${username}/\${clientId}`,
      ),
      (mqttClientId, resource) => {
        const [found] = effective([mqtt(resource)], { mqttClientId });
        if (!found) return;
        assert.is(levelsOf(found.resource).length, levelsOf(resource).length);
        assert.not.match(found.resource, /[+#]/);
        assert.not.match(found.resource, /^\$/);
        assert.ok(Permission.safeParse(found).success);
      },
    ),
    { numRuns: 1_000 },
  ));
test('what a template would make too long allows nothing', () => {
  const filled = (length: number) =>
    effective([mqtt(`\${username}/${'x'.repeat(length - 129)}`)], { username: 'n'.repeat(128) });
  assert.is(filled(512)[0]?.resource.length, 512);
  assert.equal(filled(513), []);
});
test('another template is no template', () =>
  assert.equal(effective([mqtt(`a/\${serial}`)]), [mqtt(`a/\${serial}`)]));
test('own permissions and those of roles count once each', () => {
  const permissionsOf = (role: string) =>
    role === 'press' ? [mqtt('a'), mqtt(`b/\${username}`)] : [];
  assert.equal(
    effective([mqtt('a'), mqtt('a', 'read')], { roles: ['press', 'gone', 'press'] }, permissionsOf),
    [mqtt('a'), mqtt('a', 'read'), mqtt('b/press-07')],
  );
});

// ── Nobody gives more than they have ──────────────────────────────────────────────────────────────

test('MQTT rights are given freely', () =>
  assert.is(beyondOwn(compiled([]), [mqtt('#')]), undefined));
test('the first HTTP right beyond the own is named', () =>
  assert.equal(
    beyondOwn(compiled([http('/api/roles/#')]), [
      http('/api/roles/x'),
      http('/api/users/x', 'write'),
      http('/x'),
    ]),
    http('/api/users/x', 'write'),
  ));
test('read and write may come from two permissions', () => {
  const own = compiled([http('/api/#', 'read'), http('/api/users/#', 'write')]);
  assert.is(beyondOwn(own, [http('/api/users/+')]), undefined);
  assert.equal(beyondOwn(own, [http('/api/+')]), http('/api/+'));
});
test('a template is no name: only who may give it to all may give it', () => {
  const wanted = http(`/api/users/\${username}`);
  assert.equal(beyondOwn(compiled([http('/api/users/ada')]), [wanted]), wanted);
  assert.is(beyondOwn(compiled([http('/api/users/+')]), [wanted]), undefined);
});

const paths = [[], ...words(['a', '', 'z'], 3)].map((path) => ['', ...path]);
const anyHttp = fc
  .tuple(
    fc.constantFrom(...words(['a', '', '+'], 2), ['#'], ['a', '#'], ['+', '#'], ['', '#']),
    fc.constantFrom<Permission['operation']>('read', 'write', 'readWrite'),
  )
  .map(([levels, operation]) => http(`/${levels.join('/')}`, operation));

test('what is not beyond the own opens nothing that the own does not', () =>
  fc.assert(
    fc.property(
      fc.array(anyHttp, { maxLength: 4 }),
      fc.array(anyHttp, { minLength: 1, maxLength: 3 }),
      (mine, wanted) => {
        const own = compiled(mine);
        if (beyondOwn(own, wanted)) return;
        const given = compiled(wanted);
        for (const path of paths)
          for (const operation of ['read', 'write'] as const)
            if (mayCall(given, path, operation))
              assert.ok(mayCall(own, path, operation), path.join('/'));
      },
    ),
    { numRuns: 2_000 },
  ));
test('what goes beyond by one permission is always found', () =>
  fc.assert(
    fc.property(anyHttp, anyHttp, (mine, wanted) => {
      const [own, given] = [compiled([mine]), compiled([wanted])];
      const opens = paths.some((path) =>
        (['read', 'write'] as const).some(
          (operation) => mayCall(given, path, operation) && !mayCall(own, path, operation),
        ),
      );
      assert.is(beyondOwn(own, [wanted]) !== undefined, opens);
    }),
    { numRuns: 2_000 },
  ));

test.run();
