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
  limitsUnlisted: 'Limits not listed above',
};

export function reportPage(report: SignedWindowReport, verifierKey: string): string {
  const { window, limits, requests, counts, signature } = report;
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
  ];
  const limitRows = limits.map(
    ({ at, by, until, usernamePattern, sources, maxRequests, requestCount, note }) =>
      html`<tr><td>${moment(at)}</td><td>${by}</td><td>${moment(until)}</td><td>${usernamePattern ?? 'every name'}</td>
<td>${sources.length > 0 ? sources.join(', ') : 'everywhere'}</td><td>${maxRequests}</td><td>${requestCount}</td><td>${note ?? '–'}</td></tr>
`,
  );
  const shownCounts = Object.entries(countWords).filter(
    ([name]) => name !== 'limitsUnlisted' || counts.limitsUnlisted > 0,
  );
  const countItems = shownCounts.map(
    ([
      name,
      words,
    ]) => html`<div><dt>${words}</dt><dd>${counts[name as keyof typeof counts] ?? '–'}</dd></div>
`,
  );
  const requestRows = requests.map(
    ({ username, kind, flow, door, source, pairingId, requestedAt, status, contested, decision }) =>
      html`<tr><td>${username}</td><td>${kind}${contested ? ', contested' : ''}</td><td>${door === 'est' ? door : flow}</td>
<td>${source ?? '–'}</td><td>${pairingId ?? '–'}</td><td>${moment(requestedAt)}</td><td>${status}</td>
<td>${decision?.by ?? '–'}</td><td>${decision?.reason ?? ''}</td></tr>
`,
  );
  return pageToKeep(
    `Window report ${window.windowId ?? ''}`,
    html`<main>
<h1>Window report</h1>
<table>${facts}</table>
<h2>Limits, each time that they were set</h2>
<div class="scroll"><table>
<thead><tr><th>Set</th><th>By</th><th>Until</th><th>For</th><th>From</th><th>At most</th><th>Asked under them</th><th>Note</th></tr></thead>
<tbody>${limitRows}</tbody>
</table></div>
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
