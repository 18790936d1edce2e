/**
 * kill -9 at every commit of the log between the last approval of a command that makes a secret and its collection: the
 * next start does what was approved, once, and its proposer collects the secret that opens, once. Two moments here;
 * COLLECTED_MOMENTS='an enrolment code', or any other of its deeds, takes all of them, some minutes.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { newName, registerPath, strong } from '../support/door.ts';
import { connected } from '../support/mqtt-peers.ts';
import { newFolder, removeFolder, type Served, serve } from '../support/process.ts';
import { adminPassword } from '../support/service.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite<{ dataDir: string }>('kill -9 between approval and collection');
test.before(async (here) => {
  here.dataDir = await newFolder();
});
test.after(({ dataDir }) => removeFolder(dataDir));

const preload = pathToFileURL(join(import.meta.dirname, '../support/killed-at-log.ts')).href;
const second = { username: 'second', password: strong() };
const ruleBase = '/api/client-registry/preauthorizations';
const until = '2999-01-01T00:00:00Z';

interface Round {
  readonly served: Served;
  readonly token: string;
  readonly name: string;
}

interface Deed {
  readonly path: string;
  readonly body: (name: string) => object;
  /** What it records, once. */
  readonly type: string;
  /** Whether what was collected opens. */
  readonly opens: (answer: Record<string, string>, round: Round) => Promise<boolean>;
}

const registers = async ({ served, name }: Round, body: object): Promise<boolean> =>
  (await served.call('POST', registerPath, { body: { username: name, ...body } })).status === 201;

async function passwordOpens({ password }: Record<string, string>, round: Round): Promise<boolean> {
  const { served, name } = round;
  const body = { username: name, password };
  const login = await served.call('POST', '/api/login', { body });
  const connect = { username: name, password: String(password), clientId: name };
  const byMqtt = await connected(served.mqttPort, connect);
  byMqtt.end();
  return login.status === 200 && byMqtt.code === 0 && (await registers(round, { password }));
}

const deeds: Readonly<Record<string, Deed>> = {
  'a password with a new client': {
    path: '/api/users',
    body: (username) => ({ username }),
    type: 'ClientCreated',
    opens: passwordOpens,
  },
  'another password': {
    path: '/api/users/NAME/rotate',
    body: () => ({}),
    type: 'CredentialRotated',
    opens: passwordOpens,
  },
  'a token for a client': {
    path: '/api/tokens',
    body: (username) => ({ username, label: 'line 4' }),
    type: 'TokenIssued',
    opens: async ({ token = '' }, { served }) =>
      (await served.call('GET', '/api/whoami', { token })).status === 200,
  },
  'an enrolment code': {
    path: ruleBase,
    body: (usernamePattern) => ({ usernamePattern, until, enrolmentCode: true }),
    type: 'PreauthorizationCreated',
    opens: ({ enrolmentCode = '' }, round) =>
      registers(round, { enrolmentCode, password: strong() }),
  },
};

/** Commits between the approval and the end of its collection, those of activations among them. */
const commitsMax = 9;
const everyMoment = Object.keys(deeds).flatMap((deed) =>
  Array.from({ length: commitsMax }, (_, at) => at).flatMap((at) =>
    [`before ${at}`, `after ${at}`].map((moment) => [deed, moment] as const),
  ),
);
const moments =
  process.env.COLLECTED_MOMENTS !== undefined
    ? everyMoment.filter(([deed]) => deed === process.env.COLLECTED_MOMENTS)
    : ([
        ['a password with a new client', 'after 2'],
        ['an enrolment code', 'before 2'],
      ] as const);

const starts = (dataDir: string, approvals: string) =>
  serve(dataDir, {
    ...{ NODE_OPTIONS: `--import=${preload}`, KILLED_AT_LOG: join(dataDir, 'kill') },
    ...{ GATEBOOK_APPROVALS: approvals, GATEBOOK_HTTPS_PORT: 'off', GATEBOOK_MQTT_TLS_PORT: 'off' },
  });

async function collected({ served, token }: Round, proposalId: string) {
  for (let left = 200; left > 0; left--) {
    const path = `/api/approvals/${proposalId}/collect`;
    const answer = await served.call('POST', path, { token, body: {} });
    // What was lost on its way can be had some seconds later.
    const comes = answer.status === 202 || answer.headers.has('retry-after');
    if (!comes) return answer;
    await sleep(100);
  }
  throw new Error('it was never there to collect');
}

/** Approves and collects; resolves when the process is gone. */
async function killedOnItsWay(dataDir: string, round: Round, approver: string, moment: string) {
  const { served, token, name } = round;
  return async (deed: Deed) => {
    const path = deed.path.replace('NAME', name);
    const proposed = await served.call('POST', path, { token, body: deed.body(name) });
    assert.is(proposed.status, 202);
    const { proposalId, hash } = proposed.body;
    await writeFile(join(dataDir, 'kill'), moment);
    const approve = { token: approver, body: { hash } };
    let answer: { status: number; body: Record<string, string> } | undefined;
    try {
      await served.call('POST', `/api/approvals/${proposalId}/approve`, approve);
      answer = await collected(round, proposalId);
    } catch {
      // It is gone.
    }
    served.kill('SIGKILL');
    await served.ended;
    await rm(join(dataDir, 'kill'));
    return { proposalId: String(proposalId), hash: String(hash), answer };
  };
}

test('at each moment the secret is collected once, and opens', async ({ dataDir }) => {
  let served = await starts(dataDir, '1');
  const made = { ...second, roles: ['administrator'] };
  await served.call('POST', '/api/users', { token: await served.signIn(), body: made });
  const names = moments.map(() => newName('made'));
  const first = await served.signIn(adminPassword);
  for (const [at, [which]] of moments.entries())
    if (which === 'another password' || which === 'a token for a client') {
      const body = { username: names[at], password: strong() };
      await served.call('POST', '/api/users', { token: first, body });
    }
  served.kill('SIGTERM');
  await served.ended;
  served = await starts(dataDir, '2');
  const token = await served.signIn(adminPassword);
  const approver = (await served.call('POST', '/api/login', { body: second })).body.token;
  for (const [at, [which, moment]] of moments.entries()) {
    const told = `${which}, ${moment}`;
    const [deed, name] = [deeds[which] as Deed, names[at] as string];
    const goes = await killedOnItsWay(dataDir, { served, token, name }, approver, moment);
    const { proposalId, hash, answer: before } = await goes(deed);
    served = await starts(dataDir, '2');
    const round = { served, token, name };
    // A kill before the approval was recorded: it is given again, and so is one that was not answered.
    const path = `/api/approvals/${proposalId}/approve`;
    await served.call('POST', path, { token: approver, body: { hash } });
    const after =
      before?.status === 201 || before?.status === 200
        ? before
        : await collected(round, proposalId);
    assert.ok([200, 201].includes(after.status), `${told}: ${JSON.stringify(after.body)}`);
    assert.ok(await deed.opens(after.body, round), `${told}: it opens`);
    const again = await served.call('POST', `/api/approvals/${proposalId}/collect`, {
      token,
      body: {},
    });
    // Killed between its sending and its destruction, it may be had again, in the same session.
    const isSame = before !== undefined && isDeepStrictEqual(again.body, before.body);
    assert.ok(again.body.code === 'approval-ended' || isSame, told);
    const { body } = await served.call('GET', `/api/audit/events?type=${deed.type}&limit=1000`, {
      token,
    });
    const caused = body.items.filter(
      ({ correlationId }: { correlationId: string }) => correlationId === proposalId,
    );
    assert.is(caused.length, 1, `${told}: once`);
  }
  served.kill('SIGTERM');
  await served.ended;
});

test.run();
