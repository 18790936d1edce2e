/** `npm run timing [PAIRS [CASE …]]`: whether anybody can tell by the time of a refusal if a name is known. */
import { doorOf } from './support/door.ts';
import { startRegistry } from './support/service.ts';
import { mannWhitney } from './support/timing.ts';
import { timingEnvironment, timingNames, timingProbes } from './support/timing-probes.ts';

const pairs = Number(process.argv[2] ?? 3_000);
const warmUpPairs = 50;
/** Beyond this many standard deviations a difference is none of chance. */
const deviationsMax = 4.5;

/** What a known name is made to cost beyond another, to see that it is found: as much as it did before its hash was shared. */
const plantedMs = 0.025;

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const microseconds = (ms: number) => `${Math.round(ms * 1_000)} µs`;

/** How far apart known and unknown names are, in standard deviations. */
async function deviations(
  name: string,
  { refusalBeatMs, moreMs = 0 }: { readonly refusalBeatMs?: number; readonly moreMs?: number } = {},
): Promise<number> {
  const world = await startRegistry(
    timingEnvironment,
    refusalBeatMs === undefined ? undefined : { refusalBeatMs },
  );
  try {
    const door = doorOf(world);
    const probes = timingProbes(world, door, await timingNames(door));
    const measure = probes[name as keyof typeof probes];
    await measure(warmUpPairs);
    const taken = await measure(pairs);
    const known = taken.known.map((ms) => ms + moreMs);
    const { unknown } = taken;
    const z = mannWhitney(known, unknown);
    const medians = [known, unknown].map((values) => microseconds(median(values)));
    console.log(`${name}: known ${medians[0]}, unknown ${medians[1]}, z ${z.toFixed(1)}`);
    return Math.abs(z);
  } finally {
    await world.stop();
  }
}

const everyCase = [
  ...['REST, strong form', 'REST, throttled', 'login, strong form', 'MQTT, strong form'],
  ...['EST, by key', 'EST, waiting'],
  ...['REST, slow hash', 'login, slow hash', 'MQTT, slow hash'],
  ...['moved in, strong form', 'moved in, slow hash'],
];
// A throttled connect takes a second, so it is measured when it is named: 'MQTT, throttled'.
const named = process.argv.slice(3);
const names = named.length > 0 ? named : everyCase;
console.log(`${pairs} pairs each; planted, without the beat:`);
const planted = await deviations('REST, strong form', { refusalBeatMs: 0, moreMs: plantedMs });
console.log('as it is:');
let failed = planted < deviationsMax;
for (const name of names) failed = (await deviations(name)) >= deviationsMax || failed;
console.log(
  failed ? 'Names can be told apart, or the planted difference was not found.' : 'Nothing told.',
);
process.exitCode = failed ? 1 : 0;
