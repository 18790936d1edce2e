/** For operators: `bench` measures what this machine does, on a registry of its own that is thrown away. */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended } from '../../bench/child.ts';
import { overHttp, overMqtt } from '../../bench/generators.ts';
import { type MeasuredRegistry, startMeasured } from '../../bench/measured-registry.ts';
import { deviceName, secretOf } from '../../bench/names.ts';
import { medians, type Sample, sampleOf } from '../../bench/sample.ts';
import { ownVersion } from '../client/version.ts';
import { type Call, type Command, exitCodes, usageFault } from '../command.ts';
import { untilInterrupted } from '../terminal/interrupt.ts';
import { countText } from '../text/format.ts';

const defaults = { count: 2_000, connections: 64, rounds: 3 };
const most = { count: 100_000, connections: 1_000, rounds: 100 };
const grantsPerRound = 50;
const mqttAtOnce = 16;
const registering = '/api/client-registry/register';
const asking = '{"username":"device-{n}","password":"{hex}"}';

type Load = Readonly<typeof defaults>;

interface BenchLine {
  readonly name: string;
  /** One round, `round` of them before it. */
  measure(round: number): Promise<Sample>;
}

/** A whole number of an option, within what is sensible. */
function countOf(call: Call, option: keyof Load): number {
  const text = call.text(option);
  if (text === null) return defaults[option];
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > most[option])
    throw usageFault(`--${option} must be a whole number from 1 to ${most[option]}.`);
  return count;
}

/** Asks as many devices as are in a round, so that they wait; the first of them is number `from`. */
const ask = ({ http: url }: MeasuredRegistry, { count, connections }: Load, from: number) =>
  overHttp({ url, path: registering, method: 'POST', body: asking, count, connections, from }, 202);

/** Grants one after the other: each is answered when it works at the broker. */
async function grantInTurn(registry: MeasuredRegistry, from: number): Promise<Sample> {
  const timesMs: number[] = [];
  for (let number = from; number < from + grantsPerRound; number++) {
    const username = `granted-${number}`;
    const password = secretOf(number);
    const { requestId } = (await registry.post(registering, { username, password })) as {
      requestId: string;
    };
    const askedMs = performance.now();
    await registry.post(`/api/client-registry/requests/${requestId}/grant`, {});
    timesMs.push(performance.now() - askedMs);
  }
  return sampleOf(timesMs, timesMs.reduce((sum, one) => sum + one, 0) / 1_000);
}

/** Makes devices that may connect. */
async function admitted(registry: MeasuredRegistry, count: number): Promise<void> {
  for (let number = 0; number < count; number++)
    await registry.post('/api/users', {
      username: `mqtt-${deviceName(number)}`,
      password: secretOf(number),
    });
}

function linesOf(registry: MeasuredRegistry, load: Load): BenchLine[] {
  const { http: url, mqtt } = registry;
  const { count, connections } = load;
  const locked = { url, path: registering, method: 'POST', body: asking, count, connections };
  const clients = Math.min(count, grantsPerRound);
  return [
    {
      name: 'health',
      measure: () => overHttp({ url, path: '/healthz', count, connections }, 200),
    },
    { name: 'register while locked', measure: () => overHttp(locked, 423) },
    {
      name: 'register, new',
      async measure(round) {
        if (round === 0)
          await registry.post('/api/client-registry/unlock', { maxRequests: 1_000_000 });
        return await ask(registry, load, round * count);
      },
    },
    { name: 'ask again', measure: () => ask(registry, load, 0) },
    {
      name: 'grant, one by one',
      measure: (round) => grantInTurn(registry, round * grantsPerRound),
    },
    {
      name: 'MQTT connect',
      async measure(round) {
        if (round === 0) await admitted(registry, clients);
        const who = { username: 'mqtt-device-{n}', password: '{hex}' };
        return await overMqtt('connect', {
          ...{ url: mqtt, count: clients, atOnce: mqttAtOnce },
          ...who,
        });
      },
    },
  ];
}

const millis = (value = 0): string => (value < 10 ? value.toFixed(1) : String(Math.round(value)));

async function measured(call: Call, load: Load, registry: MeasuredRegistry, signal: AbortSignal) {
  const items: ({ name: string } & Sample)[] = [];
  for (const { name, measure } of linesOf(registry, load)) {
    const rounds: Sample[] = [];
    for (let round = 0; round < load.rounds; round++) {
      signal.throwIfAborted();
      call.terminal.progress(`Measuring  ${name}, round ${round + 1} of ${load.rounds}`);
      rounds.push(await measure(round));
    }
    const { perSecond, p50Ms, p99Ms } = medians(rounds);
    items.push({ name, perSecond, p50Ms, p99Ms } as { name: string } & Sample);
  }
  call.terminal.progress('');
  return items;
}

async function runBench(call: Call): Promise<number> {
  const load = {
    count: countOf(call, 'count'),
    connections: countOf(call, 'connections'),
    rounds: countOf(call, 'rounds'),
  };
  const [, program = ''] = process.argv;
  const dataDir = await mkdtemp(join(tmpdir(), 'gatebook-bench-'));
  let registry: MeasuredRegistry | undefined;
  try {
    call.terminal.progress('Starting a registry to measure');
    const items = await untilInterrupted(async (signal) => {
      registry = await startMeasured(program, dataDir, pathAlone(call));
      return await measured(call, load, registry, signal);
    });
    if (items === null) return exitCodes.interrupted;
    say(call, load, items);
    return exitCodes.done;
  } finally {
    if (registry !== undefined) await ended(registry.child);
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Nothing of a registry that is set up here: its store and brokers are not to be measured by accident. */
const pathAlone = ({ environment }: Call) =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('GATEBOOK_')));

function say(call: Call, load: Load, items: readonly ({ name: string } & Sample)[]): void {
  const processors = availableParallelism();
  if (call.json) {
    const of = { version: ownVersion(), node: process.versions.node, processors, ...load };
    call.terminal.json(JSON.stringify({ ...of, items }));
    return;
  }
  call.terminal.table(
    ['WHAT', 'A SECOND', 'HALF WITHIN', '99 % WITHIN'],
    items.map(({ name, perSecond = 0, p50Ms, p99Ms }) => [
      name,
      Math.round(perSecond).toLocaleString('en'),
      `${millis(p50Ms)} ms`,
      `${millis(p99Ms)} ms`,
    ]),
  );
  call.terminal.line({
    text: `Gatebook ${ownVersion()}, ${processors} processors shared with who asks, ${countText(load.connections, 'connection')}, median of ${countText(load.rounds, 'round')}.`,
    style: 'faint',
  });
}

export const benchCommand: Command = {
  name: 'bench',
  summary: 'measure what this machine does, on a registry of its own that is thrown away',
  positionals: '',
  options: {
    count: { value: 'N', help: `calls in a round (${defaults.count})` },
    connections: { value: 'N', help: `connections at once (${defaults.connections})` },
    rounds: {
      value: 'N',
      help: `rounds of each line, of which the median counts (${defaults.rounds})`,
    },
    json: { help: 'print what was measured' },
  },
  notes: [
    'It starts a registry with an embedded log and broker in a temporary folder (TMPDIR: choose the disk) and removes it again.',
    'A registry that runs here is not touched, but it shares the processors and the disk.',
  ],
  examples: ['gatebook bench', 'TMPDIR=/var/lib/gatebook gatebook bench --rounds 5 --json'],
  run: runBench,
};
