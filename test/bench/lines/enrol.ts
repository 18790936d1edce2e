/** Rules for thousands of devices: imported from one file, and each device let in by its code while the gate is locked. */

import { secretOf } from '../../../src/bench/names.ts';
import { type Sample, sampleOf } from '../../../src/bench/sample.ts';
import { type Contestant, type Context, figureAtMost, type Line } from '../line.ts';
import { type Checkout, type Served, serve } from '../served.ts';

const door = '/api/client-registry/register';
const until = '2999-01-01T00:00:00.000Z';
const devicesAtOnce = 32;

/** The codes of rules for so many names, and the seconds that it took. */
async function imported({ http, token }: Served, names: readonly string[]) {
  const rows = names.map((name) => `${name},mqtt:readWrite:plant/${name}/#,${until},make`);
  const beganMs = performance.now();
  const response = await fetch(`${http}/api/client-registry/preauthorizations/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'text/csv' },
    body: ['usernamePattern,permissions,until,enrolmentCode', ...rows].join('\n'),
  });
  const { created, items } = (await response.json()) as {
    created: number;
    items: { enrolmentCode: string }[];
  };
  if (created !== names.length) throw new Error(`${created} of ${names.length} rules were made`);
  return { seconds: (performance.now() - beganMs) / 1_000, items };
}

async function letIn(served: Served, names: readonly string[]): Promise<Sample> {
  const { seconds: importSeconds, items } = await imported(served, names);
  const times: number[] = [];
  let next = 0;
  const devices = async () => {
    for (let at = next++; at < names.length; at = next++) {
      const username = names[at] ?? '';
      const sentMs = performance.now();
      const body = { username, password: secretOf(at), enrolmentCode: items[at]?.enrolmentCode };
      const { status } = (await served.post(door, body)) as { status: string };
      if (status !== 'granted') throw new Error(`${username} is ${status}`);
      times.push(performance.now() - sentMs);
    }
  };
  const beganMs = performance.now();
  await Promise.all(Array.from({ length: devicesAtOnce }, devices));
  const sample = sampleOf(times, (performance.now() - beganMs) / 1_000);
  return { ...sample, figures: { importSeconds } };
}

export const enrol: Line = {
  name: 'enrol',
  title: '10,000 rules imported, 10,000 devices let in while locked',
  goals: [figureAtMost('importSeconds', 10)],
  rounds: 3,
  async contestants(context: Context) {
    const count = context.quick ? 1_000 : 10_000;
    const letsIn = async (checkout: Checkout): Promise<Contestant> => {
      const served = await serve(checkout);
      context.atEnd(served.stop);
      return {
        ...{ name: checkout.name, ours: true },
        round: (number) =>
          letIn(
            served,
            Array.from({ length: count }, (_, at) => `enrolled-${number}-${at}`),
          ),
      };
    };
    return await Promise.all(context.checkouts.map(letsIn));
  },
};
