/** For administrators: `approvals`, what waits for several people. */
import { type Proposal, proposalStatuses, type Request } from '../../api/output.ts';
import { deedWords, gainsWords, missingWords } from '../../api/proposal-words.ts';
import { type List, listOptions, page, sayMore } from '../client/lists.ts';
import type { Registry } from '../client/registry-client.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, type Command, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { confirmed } from '../terminal/confirm.ts';
import { agoText, dateTimeText, pairingText } from '../text/format.ts';

const base = '/approvals';
const pathOf = (id: string): string => `${base}/${encodeURIComponent(id)}`;
const idIn = ({ positionals }: Call): string => positionals[0] ?? '';

async function runList(call: Call): Promise<number> {
  const status = call.text('status') ?? 'waiting';
  if (status !== 'all' && !proposalStatuses.some((one) => one === status))
    throw usageFault(`There is no status "${status}".`, [
      `There are: ${[...proposalStatuses, 'all'].join(' ')}`,
    ]);
  const { body, text } = await page<Proposal>(call, await signedIn(call), base, {
    status: status === 'all' ? null : status,
  });
  if (call.json) call.terminal.json(text);
  else if (body.items.length === 0)
    call.terminal.line(status === 'waiting' ? 'Nothing waits for approval.' : 'No proposals.');
  else {
    call.terminal.table(
      ['ID', 'WHAT', 'BY', 'MADE', 'APPROVED', 'ENDS', 'STATUS'],
      body.items.map((one) => [
        one.proposalId,
        { text: deedWords(one), style: 'strong' },
        one.proposedBy,
        agoText(one.proposedAt, call.now()),
        `${one.approvals.length} of ${one.needed}`,
        dateTimeText(one.until),
        one.outcome === null ? one.status : { text: one.outcome.code, style: 'bad' },
      ]),
    );
    sayMore(call, body);
  }
  return exitCodes.done;
}

/** The pairing ID that a device shows which asks under a name, to be compared with it. */
async function pairingWords(registry: Registry, { action, subject, status }: Proposal) {
  if (action !== 'grantRequest' || status !== 'waiting') return [];
  const { body } = await registry.get<List<Request>>('/client-registry/requests', {
    ...{ status: 'pending', q: subject, limit: 100 },
  });
  return body.items
    .filter(({ username }) => username === subject)
    .map(
      ({ pairingId, contested }) =>
        `Compare the pairing ID with the device or person: ${pairingText(pairingId)}${contested ? ' (contested)' : ''}`,
    );
}

function whatBecame({ status, outcome }: Proposal): string {
  if (outcome !== null) return `Approved, and not done: ${outcome.detail}`;
  if (status === 'approved') return 'Approved.';
  return status === 'waiting' ? 'It waits.' : `It is ${status}.`;
}

async function sayProposal(call: Call, registry: Registry, proposal: Proposal): Promise<void> {
  call.terminal.line({ text: deedWords(proposal), style: 'strong' });
  call.terminal.line({
    text: gainsWords(proposal),
    style: proposal.gains.length > 0 ? 'warning' : 'faint',
  });
  for (const line of await pairingWords(registry, proposal)) call.terminal.line(line);
  call.terminal.line(missingWords(proposal));
  call.terminal.line(`${whatBecame(proposal)} Its end: ${dateTimeText(proposal.until)}`);
}

async function runShow(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const { body, text } = await registry.get<Proposal>(pathOf(idIn(call)));
  if (call.json) call.terminal.json(text);
  else await sayProposal(call, registry, body);
  return exitCodes.done;
}

async function runApprove(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const path = pathOf(idIn(call));
  const { body: shown } = await registry.get<Proposal>(path);
  if (!call.json) await sayProposal(call, registry, shown);
  const isMeant = await confirmed(
    call,
    'Approve this',
    'Nothing was approved: this needs --yes, or a terminal to ask on.',
    [`See it first with: gatebook approvals show ${idIn(call)}`],
  );
  if (!isMeant) throw new CommandFailed(exitCodes.failed, 'Nothing was approved.');
  // What was shown is approved, and nothing that it may have become since.
  const { body, text } = await registry.send<Proposal>('POST', `${path}/approve`, {
    hash: shown.hash,
  });
  if (call.json) call.terminal.json(text);
  else if (body.status === 'waiting') call.terminal.line(missingWords(body));
  else call.terminal.line(body.outcome === null ? 'Approved and done.' : whatBecame(body));
  return body.outcome === null ? exitCodes.done : exitCodes.refused;
}

async function runReject(call: Call): Promise<number> {
  const reason = call.text('reason');
  const { body, text } = await (await signedIn(call)).send<Proposal>(
    'POST',
    `${pathOf(idIn(call))}/reject`,
    reason === null ? {} : { reason },
  );
  if (call.json) call.terminal.json(text);
  else call.terminal.line(`Rejected: ${deedWords(body)}`);
  return exitCodes.done;
}

async function runCollect(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const { body, text } = await registry.send<Record<string, unknown> | undefined>(
    'POST',
    `${pathOf(idIn(call))}/collect`,
    {},
  );
  if (call.json) call.terminal.json(text === '' ? 'null' : text);
  else sayCollected(call, body ?? {});
  return exitCodes.done;
}

/** Secrets of an answer, in words; all of it has `--json`. */
const secretNames = { password: 'Password', token: 'Token', enrolmentCode: 'Enrolment code' };

function sayCollected({ terminal }: Call, answer: Record<string, unknown>): void {
  const secrets = Object.entries(secretNames).flatMap(([name, words]) =>
    typeof answer[name] === 'string' ? [`${words} (shown this once): ${answer[name]}`] : [],
  );
  if (typeof answer.username === 'string') terminal.line(`It was done: ${answer.username}.`);
  else terminal.line('It was done.');
  for (const line of secrets) terminal.line(line);
  if (Array.isArray(answer.items)) terminal.line(JSON.stringify(answer.items));
}

const examplesOf = (verb: string) => [
  `gatebook approvals ${verb} 3f0c9d1e-5b7a-4c1d-9e2f-8a6b5c4d3e2f`,
];

export const approvalCommands: readonly Command[] = [
  {
    name: 'approvals list',
    summary: 'see what waits for several people',
    positionals: '',
    options: {
      status: { value: 'S', help: `${proposalStatuses.join(', ')} or all (default waiting)` },
      ...listOptions,
    },
    examples: ['gatebook approvals', 'gatebook approvals list --status all'],
    run: runList,
  },
  {
    name: 'approvals show',
    summary: 'see what one would do, who gains by it, and who is missing',
    positionals: 'ID',
    options: {},
    examples: examplesOf('show'),
    run: runShow,
  },
  {
    name: 'approvals approve',
    summary: 'show it, and approve what was shown',
    positionals: 'ID',
    options: { yes: { help: 'do not ask' } },
    notes: [
      'Nobody approves what they proposed. A long-lived token approves nothing: sign in.',
      'Where it changed since it was proposed, it is refused: it must be proposed anew.',
    ],
    examples: examplesOf('approve'),
    run: runApprove,
  },
  {
    name: 'approvals reject',
    summary: 'end it, also one of your own',
    positionals: 'ID',
    options: { reason: { value: 'T', help: 'kept in the log' } },
    examples: [`${examplesOf('reject')[0]} --reason 'not one of ours'`],
    run: runReject,
  },
  {
    name: 'approvals collect',
    summary: 'what the command that you proposed answered, once: a password, a token',
    positionals: 'ID',
    options: {},
    examples: examplesOf('collect'),
    run: runCollect,
  },
];
