/** Grants that two people decide: what the second one was told of is so, once, and what waits still waits. */
import { randomBytes } from 'node:crypto';
import { registerPath } from '../../support/door.ts';
import { approvalFaults } from '../oracles/deeds.ts';
import type { Deeds, Running } from './deeds.ts';

const base = '/api/approvals';
const devicesMax = 400;

interface Asked {
  readonly username: string;
  readonly password: string;
  proposalId: string | null;
  hash: string | null;
  isApproved: boolean;
}

export const secondApprover = { username: 'second', password: randomBytes(16).toString('hex') };

async function one(running: Running, secondToken: string, asked: Asked): Promise<void> {
  const { served, token } = running;
  const { username, password } = asked;
  const { status, body } = await served.call('POST', registerPath, {
    body: { username, password },
  });
  if (status !== 202) return;
  const grant = `/api/client-registry/requests/${body.requestId}/grant`;
  const proposed = await served.call('POST', grant, { token, body: {} });
  if (proposed.status !== 202) return;
  asked.proposalId = proposed.body.proposalId;
  asked.hash = proposed.body.hash;
  const approve = { token: secondToken, body: { hash: asked.hash } };
  const approved = await served.call('POST', `${base}/${asked.proposalId}/approve`, approve);
  asked.isApproved = approved.status === 200 && approved.body.status === 'approved';
}

async function lookAt({ served, token }: Running, asked: Asked): Promise<string[]> {
  const { username, password, proposalId } = asked;
  if (proposalId === null) return [];
  const { status, body } = await served.call('GET', `${base}/${proposalId}`, { token });
  const door = await served.call('POST', registerPath, { body: { username, password } });
  return approvalFaults({
    ...{ username, proposalId, isApproved: asked.isApproved, door: door.status },
    proposal: status === 200 ? body.status : null,
  });
}

export function approvalDeeds(): Deeds {
  const all: Asked[] = [];
  let session: Promise<string> | undefined;
  let of: Running | undefined;
  return {
    acknowledged: () => all.filter(({ isApproved }) => isApproved).length,
    async act(running) {
      if (of !== running) {
        of = running;
        session = running.served
          .call('POST', '/api/login', { body: secondApprover })
          .then(({ body }) => body.token as string);
        // Whoever acts waits for it; nobody does when the registry is killed before.
        session.catch(() => undefined);
      }
      if (all.length >= devicesMax) return await new Promise((resolve) => setTimeout(resolve, 50));
      const password = randomBytes(16).toString('hex');
      const asked: Asked = {
        ...{ username: `by-two-${all.length}`, password, proposalId: null, hash: null },
        isApproved: false,
      };
      all.push(asked);
      await one(running, (await session) ?? '', asked);
    },
    async look(running) {
      const looked =
        all.length <= 15
          ? all
          : [...all.slice(-10), ...[0, 1, 2, 3, 4].map(() => running.chance.pick(all))];
      return (await Promise.all(looked.map((asked) => lookAt(running, asked)))).flat();
    },
  };
}
