/** What waits for several people: what it would do, who gains by it, who is missing; approved as it was shown. */
import { useEffect, useState } from 'preact/hooks';
import { deedWords, gainsWords, missingWords } from '../../../domain/approvals/proposal-words.ts';
import type { Proposal, User } from '../../api/output.ts';
import { get, may, type PageOf, post } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { putProposal } from '../app/live.ts';
import { showToast, useStore } from '../app/store.ts';
import { OnceShown } from '../clients/client-actions.ts';
import { Dialog } from '../parts/dialog.ts';
import {
  Badge,
  FaultNotice,
  Name,
  Notice,
  Pairing,
  ReadFault,
  Said,
  Time,
  useCommand,
  useRead,
} from '../parts/parts.ts';
import { ReasonField, reasonField } from '../parts/reason.ts';

const base = '/api/approvals';
const pathOf = (proposal: Proposal, verb: string) => `${base}/${proposal.proposalId}/${verb}`;
const shownMax = 50;

function Deed({ proposal }: { proposal: Proposal }): View {
  const { requests } = useStore();
  const request =
    proposal.action === 'grantRequest'
      ? requests.find(
          ({ username, status }) => username === proposal.subject && status === 'pending',
        )
      : undefined;
  return html`
    ${
      proposal.gains.length > 0
        ? html`<${Notice} tone="wait">${gainsWords(proposal)}<//>`
        : html`<p class="small soft">${gainsWords(proposal)}</p>`
    }
    ${
      request !== undefined &&
      request.pairingId !== null &&
      html`<p>Does the device, or the person, show this?</p><${Pairing} id=${request.pairingId} size="l" />`
    }
    ${request?.contested === true && html`<${Notice} tone="bad">Somebody else asked for this name with another credential.<//>`}
    <p><${Said} text=${missingWords(proposal)} /></p>`;
}

function ApproveDialog({ proposal, onClose }: { proposal: Proposal; onClose: () => void }): View {
  const command = useCommand();
  const approve = () => {
    if (command.busy) return;
    command.run(async () => {
      // What stands in this dialog is approved, and nothing that it may have become since.
      const now = await post<Proposal>(pathOf(proposal, 'approve'), { hash: proposal.hash });
      putProposal(now);
      if (now.outcome !== null)
        showToast({ tone: 'bad', text: `Approved, and not done: ${now.outcome.detail}` });
      else
        showToast({
          tone: 'good',
          text: now.status === 'waiting' ? missingWords(now) : 'Approved and done.',
        });
      onClose();
    });
  };
  const foot = html`<div class="buttons"><button type="button" class="button" data-kind="quiet" onClick=${onClose}>Cancel</button>
    <button type="button" class="button" data-kind="main" onClick=${approve} disabled=${command.busy}>Approve</button></div>`;
  return html`<${Dialog} narrow title="Approve this?" onClose=${onClose} onConfirm=${approve} foot=${foot}>
    <section class="stack" aria-label="What will happen"><p><strong><${Said} text=${deedWords(proposal)} /></strong></p><${Deed} proposal=${proposal} /><${FaultNotice} command=${command} /></section>
  <//>`;
}

function RejectDialog({ proposal, onClose }: { proposal: Proposal; onClose: () => void }): View {
  const [reason, setReason] = useState('');
  const command = useCommand();
  const reject = () => {
    if (command.busy) return;
    command.run(async () => {
      putProposal(await post<Proposal>(pathOf(proposal, 'reject'), reasonField(reason)));
      showToast({ tone: 'wait', text: 'Rejected. Nothing was done.' });
      onClose();
    });
  };
  const foot = html`<div class="buttons"><button type="button" class="button" data-kind="quiet" onClick=${onClose}>Cancel</button>
    <button type="button" class="button" data-kind="danger" onClick=${reject} disabled=${command.busy}>Reject</button></div>`;
  return html`<${Dialog} narrow title="Reject this?" changed=${reason !== ''} onClose=${onClose} onConfirm=${reject} foot=${foot}>
    <section class="stack" aria-label="Rejection"><p><${Said} text=${deedWords(proposal)} /></p><${ReasonField} id="reject-why" reason=${reason} set=${setReason} fault=${command.faultOf('reason')} /><${FaultNotice} command=${command} /></section>
  <//>`;
}

/** Of commands whose answer has a secret in it: a password, a token, a code. */
const hasSecret: ReadonlySet<string> = new Set([
  ...['createUser', 'rotateCredential', 'issueToken'],
  ...['createPreauthorization', 'importPreauthorizations'],
]);

type Collected = { password?: string; token?: string; enrolmentCode?: string; items?: unknown };

function CollectDialog({ proposal, onClose }: { proposal: Proposal; onClose: () => void }): View {
  const [answer, setAnswer] = useState<Collected | null>(null);
  const command = useCommand();
  useEffect(
    () => command.run(async () => setAnswer(await post<Collected>(pathOf(proposal, 'collect')))),
    [],
  );
  const secret =
    answer?.password ??
    answer?.token ??
    answer?.enrolmentCode ??
    (answer?.items === undefined ? undefined : JSON.stringify(answer.items));
  const foot = html`<div class="buttons"><button type="button" class="button" data-kind="main" onClick=${onClose}>I have it</button></div>`;
  return html`<${Dialog} narrow title="What it made" onClose=${onClose} foot=${foot}>
    <section class="stack" aria-label="What it made"><p><${Said} text=${deedWords(proposal)} /></p>
      ${answer !== null && (secret === undefined ? html`<p>It was done, and made nothing that is secret.</p>` : html`<${OnceShown} label="Made for it" text=${secret} />`)}
      <${FaultNotice} command=${command} /></section>
  <//>`;
}

const ended: Readonly<Record<Proposal['status'], readonly [words: string, tone: string]>> = {
  waiting: ['Waits', 'wait'],
  approved: ['Done', 'good'],
  rejected: ['Rejected', ''],
  expired: ['Ended', ''],
};

type OpenProposal = {
  readonly what: 'approve' | 'reject' | 'collect';
  readonly proposal: Proposal;
} | null;

function Card({
  proposal,
  open,
}: {
  proposal: Proposal;
  open: (what: NonNullable<OpenProposal>['what']) => void;
}): View {
  const { me } = useStore();
  const { status, outcome, proposedBy, approvals } = proposal;
  const isOwn = proposedBy === me?.username;
  const hasApproved = approvals.some(({ by }) => by === me?.username);
  const waits = status === 'waiting';
  const decides = waits && may('write', pathOf(proposal, 'approve'));
  const collects =
    isOwn && status === 'approved' && outcome === null && hasSecret.has(proposal.action);
  const [words, tone] = outcome === null ? ended[status] : ['Not done', 'bad'];
  return html`<li class="card stack" aria-label=${deedWords(proposal)}>
    <div class="row"><h2><${Said} text=${deedWords(proposal)} /></h2><${Badge} tone=${tone}>${words}<//></div>
    ${waits ? html`<${Deed} proposal=${proposal} />` : html`<p class="small soft">By <${Name}>${approvals.map(({ by }) => by).join(', ')}<//></p>`}
    ${outcome !== null && html`<${Notice} tone="bad">${outcome.detail}<//>`}
    <div class="row"><p class="small soft">Proposed <${Time} at=${proposal.proposedAt} ago />${waits && html`, ends <${Time} at=${proposal.until} />`}</p>
      <div class="buttons">
        ${decides && html`<button class="button" data-kind="quiet" onClick=${() => open('reject')}>${isOwn ? 'Withdraw…' : 'Reject…'}</button>`}
        ${decides && !hasApproved && html`<button class="button" data-kind="main" onClick=${() => open('approve')}>Approve…</button>`}
        ${collects && html`<button class="button" onClick=${() => open('collect')}>Collect what it made…</button>`}
      </div></div>
  </li>`;
}

/** Where too few people are there to approve, nothing that waits ever happens. */
function TooFew({ needed }: { needed: number }): View | null {
  const administrators = useRead('administrators', async () =>
    may('read', '/api/users')
      ? (await get<PageOf<User>>('/api/users?role=administrator&status=active&limit=20')).items
          .length
      : null,
  );
  if (administrators.value === null || administrators.value >= needed) return null;
  return html`<${Notice} tone="bad">${needed} people are needed, and ${administrators.value === 1 ? 'one administrator is' : `${administrators.value} administrators are`} here: nothing that widens access can be approved. Stop the service and run <code>gatebook reset-administrator NAME</code> to make another.<//>`;
}

export function Approvals(): View {
  const { proposals } = useStore();
  const [open, setOpen] = useState<OpenProposal>(null);
  const newest = proposals[0];
  const read = useRead(`${newest?.proposalId} ${newest?.status} ${proposals.length}`, () =>
    get<PageOf<Proposal>>(`${base}?limit=${shownMax}`),
  );
  const known = new Map(
    [...(read.value?.items ?? []), ...proposals].map((one) => [one.proposalId, one]),
  );
  const all = [...known.values()].sort((a, b) => b.proposedAt.localeCompare(a.proposedAt));
  const waiting = all.filter(({ status }) => status === 'waiting');
  const over = all.filter(({ status }) => status !== 'waiting');
  const close = () => setOpen(null);
  const cards = (list: readonly Proposal[]) =>
    html`<ul class="stack cards">${list.map((proposal) => html`<${Card} key=${proposal.proposalId} proposal=${proposal} open=${(what: NonNullable<OpenProposal>['what']) => setOpen({ what, proposal })} />`)}</ul>`;
  return html`<div class="page-head"><h1 tabindex="-1">Approvals</h1>
      <p>What widens access waits here until enough different people approved it. What only takes away happens at once.</p></div>
    <${ReadFault} fault=${read.fault} again=${read.again} />
    ${waiting[0] !== undefined && html`<${TooFew} needed=${waiting[0].needed} />`}
    ${waiting.length === 0 ? html`<p class="card">Nothing waits.</p>` : cards(waiting)}
    ${over.length > 0 && html`<section class="stack" aria-labelledby="over"><h2 id="over">Over</h2>${cards(over)}</section>`}
    ${open?.what === 'approve' && html`<${ApproveDialog} proposal=${open.proposal} onClose=${close} />`}
    ${open?.what === 'reject' && html`<${RejectDialog} proposal=${open.proposal} onClose=${close} />`}
    ${open?.what === 'collect' && html`<${CollectDialog} proposal=${open.proposal} onClose=${close} />`}`;
}
