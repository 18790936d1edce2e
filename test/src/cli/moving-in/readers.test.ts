/** What files of Mosquitto and Connectware come to: permissions, and remarks on what none can say. */
import { randomBytes } from 'node:crypto';
import { aclFileIn } from '../../../../src/cli/moving-in/acl-file.ts';
import { connectwareIn } from '../../../../src/cli/moving-in/connectware.ts';
import { dynsecIn } from '../../../../src/cli/moving-in/dynsec.ts';
import { type SaidByFile, together } from '../../../../src/cli/moving-in/found.ts';
import { passwordFileIn } from '../../../../src/cli/moving-in/password-file.ts';
import { movePlan, type PresentThere } from '../../../../src/cli/moving-in/plan.ts';
import { portionsOf, sentClient } from '../../../../src/cli/moving-in/send.ts';
import { permissionText } from '../../../../src/cli/text/rights.ts';
import { importSentBytesMax } from '../../../../src/limits/operating.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('files of others');

const hash = randomBytes(64).toString('base64');
const salt = randomBytes(12).toString('base64');
const remarksOf = ({ remarks }: Pick<SaidByFile, 'remarks'>) =>
  remarks.map(({ place, text }) => `${place}: ${text}`);
const rightsOf = ({ clients }: Pick<SaidByFile, 'clients'>) =>
  Object.fromEntries(
    clients.map(({ username, roles, permissions }) => [
      username,
      [...roles, ...permissions.map(permissionText)].join(' '),
    ]),
  );
const rolesOf = ({ roles }: Pick<SaidByFile, 'roles'>) =>
  Object.fromEntries(
    roles.map(({ name, permissions }) => [name, permissions.map(permissionText).join(' ')]),
  );

const acl = (acltype: string, topic: string, allow = true, priority?: number) => ({
  ...{ acltype, topic, allow },
  ...(priority === undefined ? {} : { priority }),
});
const dynsec = (file: object) => dynsecIn('ds.json', JSON.stringify(file));

test('roles of dynamic security become roles, groups those of their clients', () => {
  const found = dynsec({
    clients: [
      { username: 'dev1', clientid: 'one', roles: [{ rolename: 'sensor' }] },
      { username: 'dev2', password: hash, salt, iterations: 101 },
      { username: 'dev3', encoded_password: `$7$1000$${salt}$${hash}` },
      { username: 'dev4', encoded_password: '$argon2id$v=19$m=47104,t=1,p=1$c2FsdA$aGFzaA' },
      { username: 'off', disabled: true },
      { username: 'no way', roles: [] },
    ],
    groups: [
      { groupname: 'all', roles: [{ rolename: 'r w' }], clients: [{ username: 'dev2' }] },
      { groupname: 'g', roles: [{ rolename: 'sensor' }], clients: [{ username: 'dev3' }] },
    ],
    roles: [
      {
        rolename: 'sensor',
        acls: [
          acl('publishClientSend', 'plant/%u/data'),
          acl('subscribePattern', 'plant/+/set'),
          acl('subscribeLiteral', 'plant/all'),
          acl('publishClientReceive', '#'),
          acl('unsubscribePattern', '#'),
          acl('publishClientSend', '$CONTROL/#'),
        ],
      },
      { rolename: 'r w', acls: [acl('publishClientSend', 'a')] },
    ],
    defaultACLAccess: { publishClientSend: true, subscribe: false, publishClientReceive: true },
  });
  assert.equal(rolesOf(found), {
    sensor: `mqtt:write:plant/\${username}/data mqtt:read:plant/+/set mqtt:read:plant/all`,
  });
  assert.equal(rightsOf(found), { dev1: 'sensor', dev2: 'mqtt:write:a', dev3: 'sensor', dev4: '' });
  const [one, two, three, four] = found.clients;
  assert.equal([one?.mqttClientId, one?.password?.kind], ['one', 'none']);
  const plain = (text: string) => text.replace(/=+$/, '');
  assert.equal(two?.password, {
    ...{ kind: 'verifier' },
    verifier: `$pbkdf2-sha512$i=101,l=64$${plain(salt)}$${plain(hash)}`,
  });
  assert.equal([three?.password?.kind, four?.password?.kind], ['verifier', 'none']);
  assert.equal(remarksOf(found), [
    'ds.json: defaultACLAccess: clients may publish to everything there; here they may what their roles say',
    'ds.json: groups: there are none here; their clients have the roles of their groups',
    'ds.json: role sensor: publishClientSend $CONTROL/# allow: left out, topics that begin with $ are the broker’s own: nobody needs a permission for them here',
    'ds.json: client off: left out, it is disabled there',
    'ds.json: client no way: left out, a name must be 3 to 128 of A-Z a-z 0-9 . _ @ : - and start with a letter or digit',
  ]);
});

test('what a denial takes a part of is left out, unless the denial is never asked', () => {
  const found = dynsec({
    clients: [
      { username: 'both', roles: [{ rolename: 'wide' }, { rolename: 'strict' }] },
      { username: 'wide-alone', roles: [{ rolename: 'wide' }] },
    ],
    roles: [
      { rolename: 'wide', acls: [acl('subscribePattern', 'plant/#')] },
      {
        rolename: 'strict',
        acls: [
          acl('subscribePattern', 'plant/secret', false),
          acl('publishClientSend', 'out/#', true, 5),
          acl('publishClientSend', 'out/x', false, 1),
          acl('publishClientSend', 'in/#', true, 1),
          acl('publishClientSend', 'in/+', false, 1),
        ],
      },
    ],
  });
  assert.equal(rolesOf(found), { wide: 'mqtt:read:plant/#', strict: 'mqtt:write:out/#' });
  assert.equal(rightsOf(found), { both: 'strict', 'wide-alone': 'wide' });
  const [first, second] = remarksOf(found);
  assert.match(
    first ?? '',
    /role strict: publishClientSend in\/# allow: left out, since ".*in\/\+ deny"/,
  );
  assert.match(second ?? '', /client both: left without role wide, since ".*plant\/secret deny"/);
});

test('a type of rule that no broker has is named, also one that every object has', () => {
  const acls = [acl('constructor', 'a/#'), acl('toString', 'a/#', false)];
  const found = dynsec({ roles: [{ rolename: 'odd', acls }] });
  assert.equal(rolesOf(found), { odd: '' });
  assert.equal(remarksOf(found), [
    'ds.json: role odd: constructor a/# allow: left out, it is of no known type',
    'ds.json: role odd: toString a/# deny: left out, it is of no known type',
  ]);
});

test('what may be subscribed to but not received is not given', () => {
  const found = dynsec({
    roles: [
      {
        rolename: 'one',
        acls: [
          acl('subscribePattern', 'a/#'),
          acl('subscribePattern', 'b/#'),
          acl('publishClientReceive', 'b/#'),
        ],
      },
      {
        rolename: 'two',
        acls: [acl('subscribePattern', 'c/#'), acl('publishClientReceive', 'c/1', false)],
      },
    ],
    defaultACLAccess: { publishClientReceive: false },
  });
  assert.equal(rolesOf(found), { one: 'mqtt:read:b/#', two: '' });
});

test('a password file: hashes that can be checked, and never a line of it in a remark', () => {
  const found = passwordFileIn(
    'passwd',
    [
      `dev1:$7$101$${salt}$${hash}`,
      `dev2:$6$${salt}$${hash}`,
      'dev3:in plain text',
      'dev4:$7$101$c2FsdA==$short',
      `dev5:$7$90000$${salt}$${hash}`,
      'secret without a name',
      `xy:$6$${salt}$${hash}`,
      '',
    ].join('\n'),
  );
  assert.equal(
    found.clients.map(({ username, password, place }) => [
      `${place} ${username}`,
      password?.kind === 'none' ? password.because : password?.kind,
    ]),
    [
      ['passwd:1 dev1', 'verifier'],
      ['passwd:2 dev2', 'verifier'],
      ['passwd:3 dev3', 'it is not hashed: run mosquitto_passwd -U on the file first'],
      ['passwd:4 dev4', 'its hash is damaged'],
      ['passwd:5 dev5', 'its hash has 90000 iterations, and at most 20000 are checked here'],
    ],
  );
  assert.equal(remarksOf(found), [
    'passwd:6: left out, it is no NAME:HASH',
    'passwd:7: xy: left out, a name must be 3 to 128 of A-Z a-z 0-9 . _ @ : - and start with a letter or digit',
  ]);
});

test('an acl file: users have their topics, and everybody the patterns', () => {
  const file = `# of everybody
topic read $SYS/#
pattern readwrite devices/%u/#
pattern read conf/%c
user dev1
topic read plant/line 4/#
topic write plant/out
topic alarms
user dev2
topic plant/#
topic deny plant/secret
wrong line
`;
  const found = together([
    aclFileIn('acl', file),
    passwordFileIn('passwd', `dev1:$6$${salt}$${hash}\ndev3:$6$${salt}$${hash}\n`),
  ]);
  assert.equal(rolesOf(found), { 'acl-patterns': `mqtt:readWrite:devices/\${username}/#` });
  assert.equal(rightsOf(found), {
    dev1: 'acl-patterns mqtt:read:plant/line 4/# mqtt:write:plant/out mqtt:readWrite:alarms',
    dev2: 'acl-patterns',
    dev3: 'acl-patterns',
  });
  assert.equal(
    found.clients.map(({ password }) => password?.kind),
    ['verifier', undefined, 'verifier'],
  );
  assert.equal(remarksOf(found), [
    'acl:2: topic read $SYS/#: left out, nobody connects here without a name',
    'acl:12: wrong line: left out, it is no user, topic or pattern line',
    'acl:10: topic plant/#: left out, since "topic deny plant/secret" takes a part of it, which no permission can say',
    'acl:4: pattern read conf/%c: left out, since %c has a value here only where a client id is pinned',
  ]);
});

const service = `description: line 4
parameters:
  site:
    type: string
    default: north
  secret:
    type: string
definitions:
  root: !sub '\${site}/line4'
resources:
  reader:
    type: Cybus::Role
    properties:
      permissions:
        - resource: !sub '\${root}/#'
          operation: read
          context: mqtt
        - resource: !sub '\${Cybus::MqttRoot}/x'
          operation: write
          context: mqtt
        - resource: /api/users
          operation: read
          context: http
  press17:
    type: Cybus::User
    properties:
      password: somePassword1
      roles: [!ref reader, connectware-admin]
      mqttPublishPrefix: line4/
      grantTypes:
        - method: certificate
      permissions:
        - resource: userspace/press17/#
          operation: readWrite
          context: mqtt
  press18:
    type: Cybus::User
    properties:
      password: !ref secret
  connection:
    type: Cybus::Connection
`;
test('a service of Connectware: users, roles, references, and what cannot be kept by its line', () => {
  const found = connectwareIn('s.yaml', service, { serviceId: null, parameters: new Map() });
  assert.equal(rolesOf(found), { reader: 'mqtt:read:north/line4/#' });
  assert.equal(rightsOf(found), {
    press17: 'reader mqtt:readWrite:userspace/press17/#',
    press18: '',
  });
  assert.equal(found.clients[0]?.mqttPublishPrefix, 'line4/');
  assert.equal(
    found.clients.map(({ password }) => password?.kind),
    ['plain', 'none'],
  );
  assert.equal(remarksOf(found), [
    's.yaml:18: role reader: resource cannot be resolved here: give --parameter NAME=VALUE, or --service-id ID',
    's.yaml:21: role reader: http:read:/api/users: left out, it is a path of Connectware; HTTP rights are never given by an import',
    's.yaml:31: user press17: grantTypes is not kept: how somebody may sign in is not chosen for each user here',
    's.yaml:28: user press17: role connectware-admin is not in this file: left out',
    's.yaml:39: user press18: password cannot be resolved here: give --parameter NAME=VALUE, or --service-id ID',
    's.yaml: 1 of its resources are no users and no roles, and stay where they are',
    's.yaml: newer Connectware puts the ID of the service in front of the names of its users: then give --service-id ID',
  ]);

  const parameters = new Map([
    ['secret', 'given later'],
    ['site', 'south'],
  ]);
  const given = connectwareIn('s.yaml', service, { serviceId: 'svc', parameters });
  assert.equal(rolesOf(given), {
    'svc.reader': 'mqtt:read:south/line4/# mqtt:write:services/svc/x',
  });
  assert.equal(Object.keys(rightsOf(given)), ['svc.press17', 'svc.press18']);
  assert.equal(given.clients[1]?.password, { kind: 'plain', password: 'given later' });
});

test('references in a circle end, and no YAML is said by its line alone', () => {
  const circle = `definitions:
  a: !ref b
  b: !ref a
resources:
  one:
    type: Cybus::User
    properties: { password: !ref a }
`;
  const options = { serviceId: null, parameters: new Map() };
  assert.is(connectwareIn('s.yaml', circle, options).clients[0]?.password?.kind, 'none');
  assert.throws(
    () => connectwareIn('s.yaml', 'password: "my secret\nx: [', options),
    (error: { message: string; hints: string[] }) =>
      error.message === 's.yaml is not YAML.' && !error.hints.join().includes('secret'),
  );
});

const nothingThere: PresentThere = {
  ...{ roles: new Map(), clients: new Map() },
  waiting: { roles: new Set(), clients: new Set() },
};
test('a role that is another one here comes as what it gives; who is here is left alone', () => {
  const found = together([
    dynsec({
      clients: ['dev1', 'dev2'].map((username) => ({
        ...{ username, roles: [{ rolename: 'administrator' }, { rolename: 'same' }] },
      })),
      roles: [
        { rolename: 'administrator', acls: [acl('publishClientSend', 'a')] },
        { rolename: 'same', acls: [acl('publishClientSend', 'b')] },
      ],
    }),
  ]);
  const http = { context: 'http', operation: 'readWrite', resource: '/#' } as const;
  const b = { context: 'mqtt', operation: 'write', resource: 'b' } as const;
  const plan = movePlan(found, {
    ...nothingThere,
    roles: new Map([
      ['administrator', [http]],
      ['same', [b]],
    ]),
    clients: new Map([['dev2', 'revoked']]),
  });
  assert.equal([plan.roles.length, plan.unchangedRoleCount], [0, 1]);
  assert.equal(rightsOf(plan), { dev1: 'same mqtt:write:a' });
  assert.equal(plan.leftAlone, [
    { kind: 'client', name: 'dev2', because: 'it is here already (revoked)' },
  ]);
  assert.match(remarksOf(plan).at(-1) ?? '', /role administrator: there is another of that name/);
});

test('thousands are sent in portions that a request may have', () => {
  const permissions = Array.from({ length: 100 }, (_, at) => ({
    ...({ context: 'mqtt', operation: 'read' } as const),
    resource: `plant/line-${at}/#`,
  }));
  const clients = Array.from({ length: 1_000 }, (_, at) =>
    sentClient({
      ...{ username: `dev-${at}`, roles: ['one'], place: '', password: null },
      permissions: at % 10 === 0 ? permissions : [],
      ...{ mqttClientId: null, mqttPublishPrefix: null },
    }),
  );
  const portions = [...portionsOf(clients)];
  assert.is(portions.flat().length, 1_000);
  for (const portion of portions) {
    assert.ok(portion.length <= 100);
    assert.ok(JSON.stringify({ users: portion }).length < importSentBytesMax * 1.2);
  }
});

test.run();
