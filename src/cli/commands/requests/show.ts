/** For administrators: `requests show`, all that is known of one request. */
import type { Request } from '../../../api/output.ts';
import { signedIn } from '../../client/sign-in.ts';
import { type Call, type Command, exitCodes } from '../../command.ts';
import type { Piece } from '../../terminal/terminal.ts';
import { agoText, dateTimeText, pairingText } from '../../text/format.ts';
import { activationsText, rightsText } from '../../text/rights.ts';
import { foundRequest } from './found.ts';
import { contestedText, contextText, flowText, outcomePiece, wantsText } from './shown.ts';

function nextText({ username, status, contested }: Request): string {
  if (status !== 'pending') return `Its history: gatebook history ${username}`;
  const confirm = contested ? ' --confirm-contested' : '';
  return `Decide with: gatebook grant ${username} --role ROLE${confirm}, or gatebook deny ${username}`;
}

function factsOf(request: Request, now: Date): [string, Piece][] {
  const { kind, csr, decision } = request;
  const key =
    csr == null
      ? ''
      : `${csr.publicKeyAlgorithm}, SHA-256 ${csr.fingerprint}${csr.otherNames === undefined ? '' : `, the same key as ${csr.otherNames.join(' ')}`}`;
  return [
    ['name', { text: request.username, style: 'strong' }],
    ['pairing ID', pairingText(request.pairingId)],
    ['status', outcomePiece(request, now)],
    ['kind', kind],
    ['contested', request.contested ? { text: contestedText(request), style: 'warning' } : ''],
    ['flow', flowText(request)],
    ['source', request.source ?? ''],
    ['client id', request.clientId ?? ''],
    ['context', contextText(request)],
    ['wants', wantsText(request) === '–' ? '' : wantsText(request)],
    ['key', key],
    ['asked', `${dateTimeText(request.requestedAt)} (${agoText(request.requestedAt, now)} ago)`],
    ['waits until', request.status === 'pending' ? dateTimeText(request.expiresAt) : ''],
    ['window', request.windowId ?? 'none: a rule let it ask'],
    ['given', decision === null ? '' : rightsText(decision)],
    ['reason', decision?.reason ?? ''],
    ['rule', decision?.preauthorizationId ?? ''],
    ['blocked until', decision?.blockedUntil == null ? '' : dateTimeText(decision.blockedUntil)],
    ['approved by', request.approvals.map(({ by }) => by).join(' ')],
    ['brokers', activationsText(request.activations)],
    ['id', request.requestId],
  ];
}

async function runShow(call: Call): Promise<number> {
  const [wanted = ''] = call.positionals;
  const registry = await signedIn(call);
  const found = await foundRequest(registry, wanted);
  if (call.json) {
    const path = `/client-registry/requests/${found.requestId}`;
    call.terminal.json((await registry.get<Request>(path)).text);
    return exitCodes.done;
  }
  for (const [name, value] of factsOf(found, call.now()))
    if (value !== '') call.terminal.line({ text: name.padEnd(15), style: 'faint' }, value);
  call.terminal.line({ text: nextText(found), style: 'faint' });
  return exitCodes.done;
}

export const showRequestCommand: Command = {
  name: 'requests show',
  summary: 'see all of one request: what it says of itself, its client id, what became of it',
  positionals: 'NAME|ID',
  options: {},
  notes: ['Of a name it is the request that waits, else the latest.'],
  examples: ['gatebook requests show press-17'],
  run: runShow,
};
