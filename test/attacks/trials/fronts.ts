/**
 * nginx and HAProxy before the registry keep everybody from what is below one path. Requests that two parsers may read
 * differently, odd paths and forged sources come to nothing, and whoever else uses the same connections is answered right.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { registerPath } from '../../support/door.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { forgedSources, type Hidden, hiddenRequest, oddTargets, smuggled } from '../ambiguous.ts';
import { type Front, startFronts } from '../fronts.ts';
import { mutatedBytes } from '../mutate.ts';
import { askRaw } from '../raw-http.ts';

const mutatedWhole = 20_000;
const atOnce = 16;
/** No trusted proxy. */
const attacker = '127.0.0.9';
const allowed = '10.9.8.0/24';
const forged = '10.9.8.7';
/** Milliseconds that the other side may be silent before the attacker goes, and before somebody else does. */
const [quietMs, patienceMs] = [40, 10_000];
/** Of a short run. */
const wholeShort = 150;
/** Of a connection that stays open. */
const directMs = 500;

/** Sends, and takes what comes until the other side closes or has nothing more to say. */
async function thrown(port: number, bytes: string | Uint8Array, forMs = quietMs) {
  const socket = connect({ port, host: '127.0.0.1', localAddress: attacker });
  let text = '';
  socket.on('error', () => undefined);
  socket.setTimeout(forMs, () => socket.destroy());
  socket.setEncoding('latin1').on('data', (data) => {
    text += data;
  });
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  await once(socket, 'close');
  return text;
}

async function inTurns<Item>(items: Iterable<Item>, act: (item: Item) => Promise<void>) {
  const left = items[Symbol.iterator]();
  const one = async () => {
    for (let next = left.next(); next.done !== true; next = left.next()) await act(next.value);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

/** Somebody else, over the same front: told what was asked, and nothing that others were told. */
async function bystander({ port }: Front, token: string): Promise<string | undefined> {
  const request = (path: string, more: string) =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}Connection: close\r\n\r\n`;
  const [who, health] = await Promise.all([
    thrown(port, request('/api/whoami', `Authorization: Bearer ${token}\r\n`), patienceMs),
    thrown(port, request('/ca/fingerprint-of-nothing', ''), patienceMs),
  ]);
  const isRight = (text: string, status: number, part: string) =>
    text.startsWith(`HTTP/1.1 ${status} `) && text.includes(part);
  if (!isRight(who, 200, '"username":"admin"'))
    return `somebody else is told: ${who.slice(0, 300)}`;
  if (!isRight(health, 404, 'route-not-found'))
    return `somebody else is told: ${health.slice(0, 300)}`;
  return undefined;
}

async function isThere({ call }: Served, token: string, username: string): Promise<boolean> {
  return (await call('GET', `/api/users/${username}`, { token })).status === 200;
}

interface Attacked {
  readonly served: Served;
  readonly front: Front;
  readonly token: string;
  readonly violations: string[];
}

async function smugglesInto(attacked: Attacked, chance: Chance, mutated: number): Promise<number> {
  const { served, front, token, violations } = attacked;
  const username = `smuggled-by-${front.name}`;
  const hidden: Hidden = { host: `127.0.0.1:${front.port}`, token, username };
  const paths = ['/api/whoami', registerPath, '/'];
  const whole = paths.flatMap((path) => [...smuggled(hidden, path)]);
  const odd = oddTargets(hidden.host).map((target) => hiddenRequest(hidden, target));
  const inputs: (string | Uint8Array)[] = [
    ...(mutated < mutatedWhole
      ? Array.from({ length: wholeShort }, () => chance.pick(whole))
      : whole),
    ...odd,
    ...Array.from({ length: mutated }, () =>
      mutatedBytes(chance, Buffer.from(chance.pick(chance.is(0.8) ? whole : odd), 'latin1')),
    ),
  ];
  let count = 0;
  await inTurns(inputs, async (input) => {
    if (violations.length > 0) return;
    await thrown(front.port, input);
    count++;
    if (count % 50 === 0) {
      const said = await bystander(front, token);
      if (said !== undefined) violations.push(`${front.name}: ${said}`);
    }
    if (count % 100 === 0 && (await isThere(served, token, username)))
      violations.push(
        `${front.name} was passed: ${JSON.stringify(Buffer.from(input).toString('latin1').slice(0, 600))}`,
      );
  });
  if (await isThere(served, token, username)) violations.push(`${front.name} was passed`);
  return inputs.length;
}

/** A window that is open for one network alone. */
async function forges({ served, front, token, violations }: Attacked): Promise<number> {
  const command = (verb: string, body: object) =>
    served.call('POST', `/api/client-registry/${verb}`, { token, body });
  await command('unlock', { sources: [allowed], durationMs: 3_600_000 });
  let count = 0;
  for (const header of forgedSources(forged)) {
    const username = `forged-${front.name}-${count++}`;
    const body = JSON.stringify({ username, password: '0123456789abcdef0123456789abcdef' });
    const told = await thrown(front.port, askRaw('POST', registerPath, body, `${header}\r\n`));
    if (/^HTTP\/1\.1 20/m.test(told))
      violations.push(`${front.name}: ${JSON.stringify(header)} counts as the source`);
  }
  await command('lock', {});
  return count;
}

async function run({ chance, share }: Given): Promise<Told> {
  const mutated = Math.round(mutatedWhole * share);
  const dataDir = await newFolder();
  const violations: string[] = [];
  const fronts: Front[] = [];
  let inputs = 0;
  try {
    const served = await serve(join(dataDir, 'data'), {
      ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: 'off' },
      ...{ GATEBOOK_MQTT_PORT: 'off', GATEBOOK_MQTT_WS_PORT: 'off', GATEBOOK_LOG_LEVEL: 'error' },
      GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32',
    });
    const token = await served.signIn();
    const upstream = Number(new URL(served.url).port);
    fronts.push(...(await startFronts(upstream, join(dataDir, 'fronts'))));
    // What is looked for can be seen: without a front in between it comes through.
    const direct = { host: `127.0.0.1:${upstream}`, token, username: 'not-smuggled' };
    await thrown(upstream, hiddenRequest(direct), directMs);
    if (!(await isThere(served, token, direct.username))) violations.push('nothing would be seen');
    for (const front of fronts) {
      const attacked = { served, front, token, violations };
      inputs += await smugglesInto(attacked, chance, mutated);
      inputs += await forges(attacked);
      const said = await bystander(front, token);
      if (said !== undefined) violations.push(`${front.name}, afterwards: ${said}`);
    }
    served.kill('SIGTERM');
    if ((await served.ended) !== 0) violations.push('SIGTERM did not end it with 0');
  } finally {
    for (const front of fronts) await front.stop();
    await removeFolder(dataDir);
  }
  const names =
    fronts.map(({ name, version }) => `${name} ${version}`).join(', ') || 'no proxy here';
  return { rounds: inputs, figures: names, violations };
}

export const fronts: Trial = {
  name: 'fronts',
  title: 'smuggling past nginx and HAProxy',
  inTurn: true,
  run,
};
