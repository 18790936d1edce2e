/** Two administrators, the last ones, take each other away at two nodes at once: one stays, at both nodes the same. */
import { anyNode, type Course, type Race } from './race.ts';

export const racersPassword = 'battery horse staple 7';
const administrator = { roles: ['administrator'] };
const ways: readonly (readonly [string, string, object])[] = [
  ['POST', 'suspend', {}],
  ['POST', 'revoke', {}],
  ['POST', 'erase', {}],
  ['PUT', 'authorization', { roles: [] }],
  ['PUT', 'authorization', { ...administrator, expiresAt: '2099-01-01T00:00:00.000Z' }],
];

export interface AdministratorsSeen {
  readonly names: readonly string[];
  /** Of each node, who is an administrator for good, in the end. */
  readonly lasting: readonly (readonly string[])[];
  /** Whom the others were told to have taken away. */
  readonly takenAway: readonly string[];
}

/** What must not be of the last administrators. */
export function administratorFaults({ names, lasting, takenAway }: AdministratorsSeen): string[] {
  const [first = [], ...others] = lasting;
  return [
    ...(first.length > 0 ? [] : [`nobody is left of ${names.join(' and ')}`]),
    ...others
      .filter((one) => one.join() !== first.join())
      .map((one) => `one node has ${first.join()}, another ${one.join()}`),
    ...takenAway
      .filter((name) => first.includes(name))
      .map((name) => `${name} was told to be taken away, and is an administrator`),
  ];
}

/** Afterwards `keeper` is one who stayed, and the only one. */
export async function lastAdministrators(course: Course): Promise<Race> {
  const { cluster, caller, chance, keeper, number } = course;
  const [first, second] = cluster.nodes;
  if (first === undefined || second === undefined) throw new Error('two nodes are needed');
  const names = [`left-${number}`, `right-${number}`] as const;
  const password = racersPassword;
  for (const username of names) {
    const body = { username, password, ...administrator };
    await caller.surely(first, 'POST', '/api/users', { token: keeper.token, body });
  }
  const path = `/api/users/${keeper.username}/revoke`;
  await caller.surely(first, 'POST', path, { token: keeper.token, body: {} });
  const tokens: string[] = [];
  for (const [at, username] of names.entries()) {
    const node = cluster.nodes[at] ?? first;
    const { body } = await caller.surely(node, 'POST', '/api/login', {
      body: { username, password },
    });
    tokens.push(body.token);
  }
  // What is done by the keeper in this round waits until it is known who stays.
  [keeper.username, keeper.token] = [names[0], tokens[0] as string];
  const counts = { answered: 0, lost: 0 };
  const takenAway: string[] = [];
  const [method, last, body] = chance.pick(ways);
  const stateOf = async (at: number, username: string) => {
    for (const token of tokens) {
      const path = `/api/users/${username}`;
      const heard = await caller.surely(cluster.nodes[at] ?? first, 'GET', path, { token });
      if (heard.status === 200) return heard.body;
    }
    return null;
  };
  const lastingAt = async (at: number): Promise<string[]> => {
    const lasting: string[] = [];
    for (const name of names) {
      const user = await stateOf(at, name);
      const isAdministrator = user?.status === 'active' && user.roles.includes('administrator');
      if (isAdministrator && user.expiresAt === null) lasting.push(name);
    }
    return lasting;
  };
  return {
    counts,
    async run() {
      const takes = async (at: 0 | 1) => {
        const other = names[at === 0 ? 1 : 0];
        const asked = { token: tokens[at] as string, body };
        const heard = await caller.ask(
          anyNode(course),
          method,
          `/api/users/${other}/${last}`,
          asked,
        );
        if (heard === null) counts.lost++;
        else counts.answered++;
        if (heard?.status === 200) takenAway.push(other);
      };
      await Promise.all([takes(0), takes(1)]);
    },
    async look() {
      const lasting = [await lastingAt(0), await lastingAt(1)];
      const faults = administratorFaults({ names, lasting, takenAway });
      const stays = names.findIndex((name) => lasting[0]?.includes(name));
      if (stays < 0) throw new Error(faults.join('; '));
      [keeper.username, keeper.token] = [names[stays] as string, tokens[stays] as string];
      const other = names[1 - stays];
      if (other !== undefined && lasting[0]?.includes(other)) {
        const revoke = `/api/users/${other}/revoke`;
        await caller.surely(first, 'POST', revoke, { token: keeper.token, body: {} });
      }
      return faults;
    },
  };
}
