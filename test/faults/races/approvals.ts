/** The last approval, and a rejection, given at two nodes at once: one of them counts, and what was approved is done once. */
import { setTimeout as delay } from 'node:timers/promises';
import { anyNode, type Course, type Race } from './race.ts';

const base = '/api/approvals';
/** Calls before whoever hears nothing gives up, and milliseconds between two. */
const [triesMax, againMs] = [4, 200];
/** Milliseconds after which what was approved must be done (a node that sleeps does nothing), and between two looks. */
const [doneMs, lookMs] = [90_000, 50];

export interface ApprovalSeen {
  readonly role: string;
  /** What those who decided were told. */
  readonly told: readonly ('approved' | 'rejected')[];
  /** Of each node, in the end. */
  readonly statuses: readonly string[];
  readonly carriedOut: number;
  readonly done: number;
}

/** What must not be of a command that two people decide. */
export function approvalFaults(seen: ApprovalSeen): string[] {
  const { role, told, statuses, carriedOut, done } = seen;
  const [status = ''] = statuses;
  const wanted = status === 'approved' ? 1 : 0;
  return [
    ...(new Set(statuses).size === 1 ? [] : [`${role} is ${statuses.join(' and ')}`]),
    ...told
      .filter((one) => one !== status)
      .map((one) => `${role}: somebody was told ${one}, and it is ${status}`),
    ...(carriedOut === wanted ? [] : [`${role} is ${status}, and carried out ${carriedOut} times`]),
    ...(done === wanted ? [] : [`${role} is ${status}, and done ${done} times`]),
  ];
}

export async function lastApproval(course: Course, approvers: readonly string[]): Promise<Race> {
  const { cluster, caller, chance, keeper, number } = course;
  const { token } = keeper;
  const [first] = cluster.nodes;
  if (first === undefined) throw new Error('no node');
  const role = `raced-${number}`;
  const resource = `plant/${number}`;
  const proposed = await caller.surely(first, 'PUT', `/api/roles/${role}`, {
    ...{ token, body: { permissions: [{ context: 'mqtt', operation: 'read', resource }] } },
  });
  const { proposalId, hash } = proposed.body;
  const rejects = chance.is(0.5) ? 1 : -1;
  const counts = { answered: 0, lost: 0 };
  const told: ('approved' | 'rejected')[] = [];
  const decides = async (approver: string, word: 'approve' | 'reject') => {
    const asked = { token: approver, body: word === 'approve' ? { hash } : {} };
    for (let tries = 0; tries < triesMax; tries++) {
      const path = `${base}/${proposalId}/${word}`;
      const heard = await caller.ask(anyNode(course), 'POST', path, asked);
      if (heard === null) {
        counts.lost++;
        await delay(againMs);
        continue;
      }
      counts.answered++;
      if (heard.status === 200) told.push(heard.body.status);
      return;
    }
  };
  const counted = async (type: string): Promise<number> => {
    const path = `/api/audit/events?type=${type}&limit=1000`;
    const { body } = await caller.surely(first, 'GET', path, { token });
    return body.items.filter(
      ({ correlationId, data }: { correlationId: string; data: { role?: string } }) =>
        correlationId === proposalId || data.role === role,
    ).length;
  };
  return {
    counts,
    async run() {
      await Promise.all(
        approvers.map((approver, at) => decides(approver, at === rejects ? 'reject' : 'approve')),
      );
    },
    async look() {
      // Nobody may have been heard: then it waits still, and is decided now.
      const again = { token: approvers[0] as string, body: { hash } };
      await caller.surely(first, 'POST', `${base}/${proposalId}/approve`, again);
      const seen = async (): Promise<ApprovalSeen> => {
        const statuses: string[] = [];
        for (const node of cluster.nodes)
          statuses.push(
            (await caller.surely(node, 'GET', `${base}/${proposalId}`, { token })).body.status,
          );
        const [carriedOut, done] = [
          await counted('ProposalCarriedOut'),
          await counted('RoleDefined'),
        ];
        return { role, told, statuses, carriedOut, done };
      };
      for (const late = performance.now() + doneMs; ; await delay(lookMs)) {
        const faults = approvalFaults(await seen());
        if (faults.length === 0 || performance.now() > late) return faults;
      }
    },
  };
}
