/** Why a client has what it has, as a tree: what a line rests on stands further in. */

import type { Explanation } from '../../api/audit.ts';
import type { Event } from '../../api/output.ts';
import { countText, dateTimeText, pairingText } from '../text/format.ts';
import { rightsText } from '../text/rights.ts';
import { detailsText } from './history.ts';

export const whoOf = ({ actor }: Pick<Event, 'actor'>) =>
  actor.kind === 'system' ? 'system' : actor.name;

const because = (reason: string | null) => (reason === null ? '' : `: ${reason}`);

/** A reason tells why somebody has no access; why one has it, the decision tells. */
const headline = ({ username, status, reason }: Explanation['user']) =>
  `${username}  ${status}${status === 'active' || status === 'pending' ? '' : because(reason)}`;

function requestText(request: NonNullable<Explanation['request']>): string {
  const { flow, door, kind, source, clientId, pairingId, context, conflictCount } = request;
  return [
    `asked ${kind === 'replacement' ? 'to replace its credential ' : ''}${dateTimeText(request.requestedAt)}`,
    `${door === 'est' ? door : flow}${source === null ? '' : ` from ${source}`}`,
    ...(pairingId === null ? [] : [`pairing ID ${pairingText(pairingId)}`]),
    ...(clientId === null ? [] : [`client id ${clientId}`]),
    ...Object.entries(context ?? {}).map(([name, value]) => `${name}=${value}`),
    ...(request.contested
      ? [
          `contested: another credential asked for the name, too (in ${countText(conflictCount, 'window')})`,
        ]
      : []),
  ].join(', ');
}

type ShownLimits = Pick<
  NonNullable<Explanation['window']>,
  'until' | 'usernamePattern' | 'sources' | 'maxRequests' | 'note'
>;

function limitsText({ until, usernamePattern, sources, maxRequests, note }: ShownLimits): string {
  const limits = [
    `until ${dateTimeText(until)}`,
    ...(usernamePattern === null ? [] : [`for ${usernamePattern}`]),
    ...(sources.length === 0 ? [] : [`from ${sources.join(' ')}`]),
    ...(maxRequests === null ? [] : [`at most ${countText(maxRequests, 'request')}`]),
  ];
  return `${limits.join(', ')}${note === null ? '' : ` (${note})`}`;
}

/** The window with the limits that were in force when it asked, and what they were before and after. */
function windowLines({ window, request, limits, askedUnder }: Explanation): string[] {
  if (window === null || request === null) return [];
  const { unlockedBy, unlockedAt } = window;
  return [
    `│  └─ in the window that ${unlockedBy} opened ${dateTimeText(unlockedAt)} ${limitsText(window)}`,
    ...limits
      .filter(({ index }) => index !== askedUnder)
      .map((set) => {
        const how = set === limits[0] ? 'at first' : `changed by ${set.by} ${dateTimeText(set.at)}`;
        const when = set.index < (askedUnder ?? set.index) ? 'before' : 'after';
        return `│       limits ${how}: ${limitsText(set)}, ${when} it asked`;
      }),
  ];
}

/** Where there was no request: who made it. */
function madeText({ user, events }: Explanation): string {
  const made = events.findLast(
    ({ type }) => type === 'ClientCreated' || type === 'AdministratorReset',
  );
  if (user.origin !== 'created') return 'no request is known';
  if (made === undefined) return 'made by an administrator, without a request';
  const reason = typeof made.data.reason === 'string' ? made.data.reason : null;
  return `made by ${whoOf(made)} ${dateTimeText(made.at)}, without a request${because(reason)}`;
}

export function explanationLines(explanation: Explanation): string[] {
  const { user, request, decision, activations, events } = explanation;
  const rights = rightsText(user);
  return [
    headline(user),
    ...(rights === '' ? [] : [`├─ holds ${rights}`]),
    `├─ ${request === null ? madeText(explanation) : requestText(request)}`,
    ...windowLines(explanation),
    ...(decision === null
      ? []
      : [
          `├─ ${request?.status ?? 'decided'} by ${decision.by} ${dateTimeText(decision.at)}${decision.preauthorizationId === null ? '' : `, by the rule ${decision.preauthorizationId}`}${because(decision.reason)}`,
        ]),
    ...activations.map(
      ({ broker, status, at }) =>
        `├─ ${status} at ${broker}${at === null ? '' : ` since ${dateTimeText(at)}`}`,
    ),
    `└─ ${countText(events.length, 'event')}`,
    ...events.map((event) =>
      `   ${dateTimeText(event.at)}  ${event.type} by ${whoOf(event)}  ${detailsText(event)}`.trimEnd(),
    ),
  ];
}
