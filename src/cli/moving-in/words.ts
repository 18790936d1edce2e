/** An import in lines, as people read a difference. */
import type { Piece } from '../terminal/terminal.ts';
import { countText } from '../text/format.ts';
import { permissionText, rightsText } from '../text/rights.ts';
import type { MovingClient } from './found.ts';
import type { MovePlan } from './plan.ts';
import type { MoveOutcome } from './send.ts';

function passwordWords({ password }: MovingClient): Piece {
  switch (password?.kind) {
    case 'verifier':
      return 'keeps its password';
    case 'plain':
      return 'keeps its password, which the file has in plain text';
    default: {
      const because = password?.because ?? 'no file has it';
      return { text: `without a password that anybody knows: ${because}`, style: 'warning' };
    }
  }
}

const made = (text: string): Piece => ({ text, style: 'good' });

const clientLines = (client: MovingClient): Piece[][] => {
  const { roles, permissions } = client;
  const rights = rightsText({ ...client, roles: [...roles], permissions: [...permissions] });
  return [
    [made(`+ client ${client.username}`)],
    [`    ${rights === '' ? 'no rights' : rights}`],
    ['    ', passwordWords(client)],
  ];
};

/** @param max of each kind, so many are said */
export function planLines(
  { roles, clients, leftAlone, remarks }: MovePlan,
  max: number,
): Piece[][] {
  const first = <Thing>(
    things: readonly Thing[],
    sign: string,
    lines: (thing: Thing) => Piece[][],
  ) => [
    ...things.slice(0, max).flatMap(lines),
    ...(things.length > max
      ? [
          [
            {
              text: `${sign} … and ${(things.length - max).toLocaleString('en')} more`,
              style: 'faint',
            } as const,
          ],
        ]
      : []),
  ];
  return [
    ...first(roles, '+', ({ name, permissions }) => [
      [made(`+ role ${name}`)],
      ...permissions.map((one): Piece[] => [`    ${permissionText(one)}`]),
    ]),
    ...first(clients, '+', clientLines),
    ...first(leftAlone, '?', ({ kind, name, because }) => [
      [{ text: `? ${kind} ${name}: left alone, ${because}`, style: 'faint' }],
    ]),
    ...first(remarks, '!', ({ place, text }) => [
      [{ text: `! ${place}: ${text}`, style: 'warning' }],
    ]),
  ];
}

/** `2 roles and 3 clients to make, 1 of them without a password; 1 left alone, 2 remarks.` */
export function movePlanSummary(plan: MovePlan): string {
  const { roles, clients, leftAlone, remarks, unchangedRoleCount } = plan;
  const without = clients.filter(
    ({ password }) => password === null || password.kind === 'none',
  ).length;
  const parts = [
    `${countText(roles.length, 'role')} and ${countText(clients.length, 'client')} to make`,
    ...(without > 0 ? [`${without.toLocaleString('en')} of them without a password`] : []),
    ...(unchangedRoleCount > 0 ? [`${countText(unchangedRoleCount, 'role')} as it is`] : []),
    ...(leftAlone.length > 0 ? [`${leftAlone.length.toLocaleString('en')} left alone`] : []),
    ...(remarks.length > 0 ? [countText(remarks.length, 'remark')] : []),
  ];
  return `${parts.join(', ')}.`;
}

export function sendingSummary({
  roleCount,
  clientCount,
  proposedCount,
  notMade,
}: MoveOutcome): string {
  const parts = [
    `Made ${countText(roleCount, 'role')} and ${countText(clientCount, 'client')}`,
    ...(proposedCount > 0
      ? [
          `${countText(proposedCount, 'command')} ${proposedCount === 1 ? 'waits' : 'wait'} for approval`,
        ]
      : []),
    ...(notMade.length > 0 ? [`${notMade.length.toLocaleString('en')} not made`] : []),
  ];
  return `${parts.join(', ')}.`;
}
