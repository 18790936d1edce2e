/**
 * A webhook that is away, slow, half-open, failing, or leads elsewhere: nobody at the doors waits for it, what happened
 * meanwhile is told afterwards, in order and under one id, and nobody but the receiver that was named is told anything.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { registerPath } from '../../support/door.ts';
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { receiverFaults } from '../oracles/receiver.ts';

const roundsWhole = 40;
const namesARound = 6;
/** A fault is shorter than two retries, so that nothing is put aside. */
const faultMs = 1_500;
const toldMs = 60_000;

type Answering = (request: IncomingMessage, response: ServerResponse) => void;
interface Behaviour {
  /** Whether it has taken what it was told: its answer begins with 2xx. */
  readonly takes: boolean;
  readonly answer: Answering;
}

const answers = (status: number, headers: Record<string, string> = {}): Behaviour => ({
  takes: status < 300,
  answer: (_request, response) => void response.writeHead(status, headers).end(),
});
const good = answers(204);

/** What leads elsewhere leads to a machine that must hear nothing: as the metadata service of a cloud would be. */
const behaviours = (trap: string): readonly Behaviour[] => [
  answers(500),
  answers(503, { 'Retry-After': '3600' }),
  // Half-open.
  { takes: false, answer: () => undefined },
  {
    takes: true,
    answer: (_request, response) => {
      setTimeout(() => response.writeHead(204).end(), faultMs / 2);
    },
  },
  { takes: false, answer: (request) => void request.socket.destroy() },
  {
    takes: true,
    answer: (_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'.repeat(1_000)), 5);
      response.once('close', () => clearInterval(timer));
    },
  },
  // No HTTP.
  { takes: false, answer: (request) => void request.socket.end('220 mail.example ESMTP\r\n') },
  ...[301, 302, 303, 307, 308].map((status) =>
    answers(status, { Location: trap, Refresh: `0; url=${trap}` }),
  ),
];

async function listening(answering: Answering) {
  const server = createServer(answering).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/latest/meta-data/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Keeps what was told when all is well, and how often each message came. */
function receiver() {
  let now = good;
  const told: string[] = [];
  const timesById = new Map<string, number>();
  const note = (id: string, text: string) => {
    timesById.set(id, (timesById.get(id) ?? 0) + 1);
    const { event, data } = JSON.parse(text) as { event: string; data: { username?: string } };
    if (event === 'request.pending' && data.username !== undefined) told.push(data.username);
  };
  const serves: Answering = (request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const { takes, answer } = now;
      if (takes) note(String(request.headers['webhook-id']), text);
      answer(request, response);
    });
  };
  return {
    serves,
    told,
    timesById,
    behave: (next: Behaviour) => {
      now = next;
    },
  };
}

async function ask({ call }: Served, username: string): Promise<number> {
  const body = { username, password: `${username}0123456789abcdef0123456789abcdef` };
  return (await call('POST', registerPath, { body })).status;
}

async function round(
  served: Served,
  at: Readonly<{ receiver: ReturnType<typeof receiver>; behaves: Behaviour; names: string[] }>,
): Promise<string[]> {
  const violations: string[] = [];
  const { names } = at;
  at.receiver.behave(at.behaves);
  for (const name of names) {
    const status = await ask(served, name);
    if (status !== 202) violations.push(`${name} is answered ${status} while nobody can be told`);
  }
  const ready = await served.call('GET', '/readyz');
  if (ready.status !== 200) violations.push(`it is not ready: ${ready.status}`);
  await delay(faultMs);
  at.receiver.behave(good);
  const late = performance.now() + toldMs;
  const isTold = () => names.every((name) => at.receiver.told.includes(name));
  while (!isTold() && performance.now() < late) await delay(25);
  if (!isTold()) violations.push(`nobody was told of some of ${names}`);
  return violations;
}

async function run({ chance, share }: Given): Promise<Told> {
  const dataDir = await newFolder();
  const violations: string[] = [];
  const happened: string[] = [];
  let heardElsewhere = 0;
  const trap = await listening((_request, response) => {
    heardElsewhere++;
    response.end();
  });
  const kinds = behaviours(trap.url);
  const rounds = Math.max(2, Math.round(roundsWhole * share));
  const hears = receiver();
  const hook = await listening(hears.serves);
  try {
    const served = await serve(dataDir, {
      ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: 'off' },
      ...{ GATEBOOK_MQTT_PORT: 'off', GATEBOOK_MQTT_WS_PORT: 'off', GATEBOOK_LOG_LEVEL: 'error' },
      GATEBOOK_WEBHOOK_URL: hook.url,
    });
    const token = await served.signIn();
    const body = { maxRequests: 10_000, durationMs: 20 * 3_600_000 };
    await served.call('POST', '/api/client-registry/unlock', { token, body });
    const order = shuffled(chance, kinds);
    for (let number = 0; number < rounds && violations.length === 0; number++) {
      const behaves = order[number % order.length] as Behaviour;
      const names = Array.from({ length: namesARound }, (_, index) => `told-${number}-${index}`);
      happened.push(...names);
      violations.push(...(await round(served, { receiver: hears, behaves, names })));
    }
    const letters = await served.call('GET', '/api/notifications/dead-letters', { token });
    const { told, timesById } = hears;
    const putAside = letters.body.items.length;
    violations.push(
      ...receiverFaults({ happened, told, timesById, elsewhere: heardElsewhere, putAside }),
    );
    served.kill('SIGTERM');
    if ((await served.ended) !== 0) violations.push('SIGTERM did not end it with 0');
  } finally {
    hook.close();
    trap.close();
    await removeFolder(dataDir);
  }
  const figures = `${hears.told.length} told, none twice, none elsewhere`;
  return { rounds, figures, violations };
}

function shuffled<Item>(chance: Chance, items: readonly Item[]): Item[] {
  const left = [...items];
  return items.map(() => left.splice(chance.below(left.length), 1)[0] as Item);
}

export const receivers: Trial = {
  name: 'receivers',
  title: 'webhooks away, slow, leading astray',
  inTurn: true,
  run,
};
