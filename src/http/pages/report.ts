/** The report of a window as a page that prints well. */
import type { SignedWindowReport } from '../../audit/time-travel/explain.ts';
import { html, pageToKeep } from './html.ts';

const moment = (at: string | null) =>
  at === null ? '–' : `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;

const row = (name: string, value: string | number) =>
  html`<tr><th scope="row">${name}</th><td>${value}</td></tr>
`;

const countWords: Readonly<Record<keyof SignedWindowReport['counts'], string>> = {
  asked: 'Asked',
  granted: 'Granted',
  denied: 'Denied',
  pending: 'Still waiting',
  expired: 'Ran out',
  contested: 'Contested',
  turnedAway: 'Turned away',
  unlisted: 'Not listed below',
};

export function reportPage(report: SignedWindowReport, verifierKey: string): string {
  const { window, requests, counts, signature } = report;
  const facts = [
    row('Window', window.windowId ?? '–'),
    row('Opened', `${moment(window.unlockedAt)} by ${window.unlockedBy ?? '–'}`),
    row('Until', moment(window.until)),
    row(
      'Locked',
      window.status === 'unlocked'
        ? 'not yet'
        : `${moment(window.lockedAt)} ${window.lockedBy === null ? 'by itself' : `by ${window.lockedBy}`}`,
    ),
    row('For', window.usernamePattern ?? 'every name'),
    row('From', window.sources.length > 0 ? window.sources.join(', ') : 'everywhere'),
    row('At most', window.maxRequests ?? '–'),
    row('Note', window.note ?? '–'),
  ];
  const countItems = Object.entries(countWords).map(
    ([
      name,
      words,
    ]) => html`<div><dt>${words}</dt><dd>${counts[name as keyof typeof counts] ?? '–'}</dd></div>
`,
  );
  const requestRows = requests.map(
    ({ username, kind, flow, source, pairingId, requestedAt, status, contested, decision }) =>
      html`<tr><td>${username}</td><td>${kind}${contested ? ', contested' : ''}</td><td>${flow}</td>
<td>${source ?? '–'}</td><td>${pairingId ?? '–'}</td><td>${moment(requestedAt)}</td><td>${status}</td>
<td>${decision?.by ?? '–'}</td><td>${decision?.reason ?? ''}</td></tr>
`,
  );
  return pageToKeep(
    `Window report ${window.windowId ?? ''}`,
    html`<main>
<h1>Window report</h1>
<table>${facts}</table>
<h2>What came of it</h2>
<dl class="counts">${countItems}</dl>
<h2>Requests</h2>
<div class="scroll"><table>
<thead><tr><th>Name</th><th>Kind</th><th>Flow</th><th>From</th><th>Pairing ID</th><th>Asked</th><th>Status</th><th>Decided by</th><th>Reason</th></tr></thead>
<tbody>${requestRows}</tbody>
</table></div>
<h2>Signature</h2>
<p>Over the canonical JSON (RFC 8785) of this report without its signature, as a C2SP signed note:</p>
<pre>${signature}</pre>
<p>Checked with the key</p>
<pre>${verifierKey}</pre>
</main>`,
  );
}
