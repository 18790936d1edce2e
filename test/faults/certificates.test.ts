/** kill -9 while a certificate is issued, renewed or taken: no second good one, and none that the log does not name. */
import { X509Certificate } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { keyPairs, newCsr } from '../support/csr.ts';
import { registerPath, selfPath } from '../support/door.ts';
import { newFolder, removeFolder, type Served, serve } from '../support/process.ts';
import { assert, suite } from '../support/suite.ts';
import { overTls } from '../support/tls.ts';

const test = suite<{ dataDir: string }>('kill -9 at certificates');
test.before.each(async (here) => {
  here.dataDir = await newFolder();
});
test.after.each(({ dataDir }) => removeFolder(dataDir));

const preload = pathToFileURL(join(import.meta.dirname, '../support/killed-at-log.ts')).href;
const markOf = (dataDir: string) => join(dataDir, 'kill-at-log');
const username = 'press-17';

const starts = (dataDir: string) =>
  serve(dataDir, { NODE_OPTIONS: `--import=${preload}`, KILLED_AT_LOG: markOf(dataDir) });

/** Does something that is killed at the log's commit: nobody is answered. */
async function killedAtLog(
  dataDir: string,
  served: Served,
  moment: 'before' | 'after',
  act: () => Promise<unknown>,
): Promise<Served> {
  // What was granted is in force, and recorded as such.
  await sleep(300);
  await writeFile(markOf(dataDir), moment);
  const [outcome] = await Promise.allSettled([act()]);
  assert.is(await served.ended, null, 'it was killed');
  assert.is(outcome.status, 'rejected', 'nobody was answered');
  await rm(markOf(dataDir));
  return await starts(dataDir);
}

const httpsOf = ({ output }: Served): string => {
  const line = output.out.split('\n').find((one) => one.includes('"msg":"ready"')) ?? '{}';
  return JSON.parse(line).https;
};

interface Shown {
  readonly key: string;
  readonly cert: string;
}

async function asks(served: Served, shown: Shown, path: string, body?: unknown) {
  const ca = (await served.call('GET', '/ca/certificate')).body;
  const { status, text } = await overTls(`${httpsOf(served)}${path}`, {
    ...{ ca, ...shown, ...(body !== undefined && { method: 'POST', body }) },
  });
  return { status, body: JSON.parse(text) };
}

/** What the log names, and what the client holds by it. */
async function recorded(served: Served, token: string) {
  const events = await served.call('GET', `/api/audit/events?username=${username}&order=asc`, {
    token,
  });
  const { body: user } = await served.call('GET', `/api/users/${username}`, { token });
  const all: { type: string; data: { serial: string } }[] = events.body.items;
  const held: { serial?: string }[] = user.credentials;
  return {
    types: all.map(({ type }) => type).filter((type) => /^Certificate/.test(type)),
    issued: all.flatMap(({ type, data }) => (type === 'CertificateIssued' ? [data.serial] : [])),
    held: held.flatMap(({ serial }) => (serial === undefined ? [] : [serial])),
  };
}

const serialOf = (pem: string): string =>
  new X509Certificate(pem).serialNumber.toLowerCase().padStart(32, '0');

for (const moment of ['before', 'after'] as const)
  test(`issued, renewed and taken: killed ${moment} the log’s commit`, async ({ dataDir }) => {
    const known = moment === 'after' ? 1 : 0;
    const keys = keyPairs.p256();
    const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    const asked = { body: { username, csr: newCsr(username, keys).csr } };
    let served = await starts(dataDir);
    const token = await served.signIn();
    await served.call('POST', '/api/client-registry/unlock', { token, body: {} });
    const { body: request } = await served.call('POST', registerPath, asked);
    const grant = `/api/client-registry/requests/${request.requestId}/grant`;
    assert.is((await served.call('POST', grant, { token, body: {} })).status, 200);

    served = await killedAtLog(dataDir, served, moment, () =>
      served.call('POST', registerPath, asked),
    );
    assert.is((await recorded(served, token)).issued.length, known);
    const first = (await served.call('POST', registerPath, asked)).body.certificate;
    let now = await recorded(served, token);
    assert.equal([now.issued, now.held], [[serialOf(first)], [serialOf(first)]]);

    const shown = { key, cert: first };
    const renewal = { csr: newCsr(username, keys).csr };
    const path = '/api/client-registry/certificate';
    served = await killedAtLog(dataDir, served, moment, () => asks(served, shown, path, renewal));
    assert.is((await recorded(served, token)).issued.length, 1 + known);
    const { status, body } = await asks(served, shown, path, renewal);
    assert.is(status, 201);
    const both = [serialOf(first), serialOf(body.certificate)];
    now = await recorded(served, token);
    assert.equal([now.issued, now.held], [both, both]);

    const next = { key, cert: body.certificate };
    served = await killedAtLog(dataDir, served, moment, () => asks(served, next, selfPath));
    now = await recorded(served, token);
    assert.is(now.types.includes('CertificateTaken'), known === 1);
    assert.equal(now.held, known === 1 ? both.slice(1) : both);
    assert.is((await asks(served, next, selfPath)).status, 201);
    assert.is((await asks(served, shown, selfPath)).status, 401);
    now = await recorded(served, token);
    assert.equal([now.issued, now.held], [both, both.slice(1)]);
    served.kill('SIGTERM');
    assert.is(await served.ended, 0);
  });

test.run();
