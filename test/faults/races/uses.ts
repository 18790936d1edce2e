/** The last uses of a rule, at both nodes at once: as many are let in as it says, and no more. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { registerPath } from '../../support/door.ts';
import { anyNode, type Course, type Race } from './race.ts';

const base = '/api/client-registry/preauthorizations';
const devicesAUse = 3;
/** Calls before whoever hears nothing gives up, and milliseconds between two. */
const [triesMax, againMs] = [4, 200];
/** Milliseconds in which both nodes must have read what was told. */
const settledMs = 10_000;

interface Device {
  readonly username: string;
  readonly password: string;
  readonly source: string;
}

export interface UsesSeen {
  readonly maxUses: number;
  /** Of each node that was asked, in the end. */
  readonly counts: readonly { useCount: number; status: string }[];
  /** Names that a node ever told that they are let in. */
  readonly told: readonly string[];
  /** Names that are let in, in the end. */
  readonly letIn: readonly string[];
}

/** What must not be of a rule that more asked for than it has uses. */
export function useFaults({ maxUses, counts, told, letIn }: UsesSeen): string[] {
  return [
    ...(letIn.length === maxUses ? [] : [`${letIn.length} are let in by ${maxUses} uses`]),
    ...told
      .filter((name) => !letIn.includes(name))
      .map((name) => `${name} was told that it is let in, and is not`),
    ...counts
      .filter(({ useCount, status }) => useCount !== maxUses || status !== 'used')
      .map(({ useCount, status }) => `of ${maxUses} uses ${useCount} are counted, ${status}`),
  ];
}

export async function lastUses(course: Course): Promise<Race> {
  const { cluster, caller, chance, keeper, number } = course;
  const maxUses = 1 + chance.below(3);
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error('no node');
  const made = await caller.surely(node, 'POST', base, {
    token: keeper.token,
    body: { until: '2999-01-01T00:00:00.000Z', enrolmentCode: true, maxUses },
  });
  const { preauthorizationId, enrolmentCode } = made.body;
  const devices = Array.from(
    { length: maxUses * devicesAUse },
    (_, at): Device => ({
      username: `use-${number}-${at}`,
      password: randomBytes(16).toString('hex'),
      source: `10.${number >> 8}.${number & 255}.${at + 1}`,
    }),
  );
  const counts = { answered: 0, lost: 0 };
  const told = new Set<string>();
  const asks = async ({ username, password, source }: Device, isSure: boolean) => {
    const asked = { source, body: { username, password, enrolmentCode } };
    const way = isSure ? caller.surely : caller.ask;
    const heard = await way(anyNode(course), 'POST', registerPath, asked);
    if (heard === null) counts.lost++;
    else counts.answered++;
    if (heard?.status === 201) told.add(username);
    return heard;
  };
  return {
    counts,
    async run() {
      await Promise.all(
        devices.map(async (device) => {
          for (let tries = 0; tries < triesMax; tries++) {
            if ((await asks(device, false)) !== null) return;
            await delay(againMs);
          }
        }),
      );
    },
    async look() {
      const seen = async (): Promise<UsesSeen> => {
        const { token } = keeper;
        const path = `${base}/${preauthorizationId}`;
        // A node that has not read as far tells a device what was so before: whoever is signed in waits for it.
        const states = [];
        for (const one of cluster.nodes)
          states.push((await caller.surely(one, 'GET', path, { token })).body);
        // Whoever was refused while a use that came to nothing was under way asks again.
        const letIn: string[] = [];
        for (const device of devices)
          if ((await asks(device, true))?.status === 201) letIn.push(device.username);
        return { maxUses, counts: states, told: [...told], letIn };
      };
      for (const late = performance.now() + settledMs; ; await delay(againMs)) {
        const faults = useFaults(await seen());
        if (faults.length === 0 || performance.now() > late) return faults;
      }
    },
  };
}
