/** The registry: is the gate open, who asks, who was turned away. */
import { useEffect, useState } from 'preact/hooks';
import type { BrokerShape } from '../../api/brokers.ts';
import type { Knock } from '../../api/output.ts';
import type { CaDescription } from '../../api/service.ts';
import { get, may, nowMs, type PageOf } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import type { RequestLink } from '../app/place.ts';
import { useStore } from '../app/store.ts';
import { counted, dateTime, doorWords } from '../app/words.ts';
import { useActivity } from '../audit/activity.ts';
import { Chart } from '../audit/chart.ts';
import { Name, Time, Tone, useRead } from '../parts/parts.ts';
import { LockCard } from './lock-card.ts';
import { RequestList } from './request-list.ts';
import { ScheduledWindows } from './scheduled-windows.ts';

const reasons: Readonly<Record<Knock['reason'], string>> = {
  locked: 'while locked',
  filtered: 'outside the limits',
  suspended: 'it is suspended',
  denied: 'it was denied',
  revoked: 'its access is revoked',
  expired: 'its access has ended',
  full: 'when it was full',
};

const shownMax = 12;

function KnockingDevices({
  knocks,
  onUnlock,
}: {
  knocks: readonly Knock[];
  onUnlock: (name: string) => void;
}): View {
  return html`<section class="card" aria-labelledby="knocks">
    <div>
      <h2 id="knocks">${knocks.length === 1 ? '1 device is knocking' : `${knocks.length} devices are knocking`}</h2>
      <p class="soft">Unlock to let them ask; they try again by themselves. Counted here, never kept in the log.</p>
    </div>
    <table>
      <thead><tr><th scope="col">Device</th><th scope="col" class="wide-only">Tries</th><th scope="col" class="wide-only">Last</th><th scope="col" class="end">For this name only</th></tr></thead>
      <tbody>${knocks.slice(0, shownMax).map(
        (knock) => html`<tr key=${`${knock.username} ${knock.source}`}>
          <td><strong><${Name}>${knock.username}<//></strong><br /><span class="soft small">${doorWords(knock.door)} from ${knock.source ?? 'somewhere'}<span class="narrow-only">, ${counted(knock.attemptCount, 'try', 'tries')}, <${Time} at=${knock.lastAt} ago /></span></span></td>
          <td class="wide-only">${knock.attemptCount}</td>
          <td class="wide-only"><${Time} at=${knock.lastAt} ago /></td>
          <td class="end"><button class="button" disabled=${!may('write', '/api/client-registry/unlock')} onClick=${() => onUnlock(knock.username)}>Unlock…<span class="sr"> for ${knock.username} only</span></button></td>
        </tr>`,
      )}</tbody>
    </table>
    ${knocks.length > shownMax && html`<p class="small soft">and ${knocks.length - shownMax} more</p>`}
  </section>`;
}

function TurnedAway({ knocks }: { knocks: readonly Knock[] }): View {
  return html`<section class="aside" aria-labelledby="away">
    <h2 id="away">Turned away</h2>
    ${
      knocks.length === 0
        ? html`<p class="small soft">Nobody. Who tries outside the limits, or while it is locked, shows here.</p>`
        : html`<ul class="lines small">${knocks.slice(0, shownMax).map(
            (knock) => html`<li key=${`${knock.username} ${knock.source}`}>
              <p class="row"><strong><${Name}>${knock.username}<//></strong><span class="soft"><${Time} at=${knock.lastAt} ago /></span></p>
              <p class="soft">${counted(knock.attemptCount, 'try', 'tries')} from ${knock.source ?? 'somewhere'}: ${reasons[knock.reason]}</p>
            </li>`,
          )}</ul><p class="small soft">Counted here, never kept in the log.</p>`
    }
  </section>`;
}

function LastDay(): View {
  const activity = useActivity();
  return html`<section class="aside" aria-labelledby="act">
    <h2 id="act">Last 24 hours</h2>
    <${Chart} activity=${activity} />
    <p><a class="small" href="#/audit">Open in Audit</a></p>
  </section>`;
}

const brokersEveryMs = 10_000;

/** Where clients connect, and whether it has heard of everything. */
function Brokers(): View | null {
  const [beat, setBeat] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setBeat((count) => count + 1), brokersEveryMs);
    return () => clearInterval(timer);
  }, []);
  const { value } = useRead(`brokers ${beat}`, () => get<PageOf<BrokerShape>>('/api/brokers'));
  if (value === null || value.items.length === 0) return null;
  const sign = ({ status, lagEvents, drift, accountCount }: BrokerShape): View => {
    if (status === 'down') return html`<${Tone} tone="bad" icon="alert">down<//>`;
    if (lagEvents > 0)
      return html`<${Tone} tone="wait" icon="clock">${counted(lagEvents, 'event', 'events')} behind<//>`;
    if (drift.length > 0)
      return html`<${Tone} tone="wait" icon="alert">${counted(drift.length, 'difference', 'differences')}<//>`;
    return html`<${Tone} tone="good" icon="check">${accountCount === 0 ? 'up' : counted(accountCount, 'account', 'accounts')}<//>`;
  };
  return html`<section class="aside" aria-labelledby="brk">
    <h2 id="brk">Brokers</h2>
    <ul class="lines small">${value.items.map((broker) => html`<li class="row" key=${broker.name}>${broker.name} ${sign(broker)}</li>`)}</ul>
  </section>`;
}

/** What a device is told, so that it trusts this registry from the first byte on. */
function Authority(): View | null {
  const { value } = useRead('ca', () => get<CaDescription>('/ca'));
  if (value === null) return null;
  return html`<section class="aside" aria-labelledby="ca">
    <h2 id="ca">Certificate authority</h2>
    <p class="small soft">${value.subject}, until ${dateTime(value.notAfter, nowMs())}. Tell devices its SHA-256 fingerprint:</p>
    <p class="small"><code class="wrap">${value.fingerprint}</code></p>
  </section>`;
}

export function Registry({ link }: { link: RequestLink | null }): View {
  const { window, knocks } = useStore();
  const [pattern, setPattern] = useState<string | null>(null);
  const locked = window?.status === 'locked';
  const unlockFor = (name: string) => {
    setPattern(name);
    scrollTo({ top: 0 });
    requestAnimationFrame(() => document.getElementById('lock')?.focus());
  };
  const open = locked ? knocks : [];
  return html`<h1 class="sr">Registry</h1>
    <${LockCard} pattern=${pattern} onUsed=${() => setPattern(null)} />
    <div class="split">
      <div>
        ${open.length > 0 && html`<${KnockingDevices} knocks=${open} onUnlock=${unlockFor} />`}
        ${may('read', '/api/client-registry/requests') ? html`<${RequestList} link=${link} />` : html`<p class="card">You may not see who asks. That needs read on /api/client-registry/requests; an administrator can give it.</p>`}
      </div>
      <div>
        ${may('read', '/api/client-registry/windows') && html`<${ScheduledWindows} window=${window} />`}
        ${!locked && html`<${TurnedAway} knocks=${knocks} />`}
        ${may('read', '/api/audit/activity') && html`<${LastDay} />`}
        ${may('read', '/api/brokers') && html`<${Brokers} />`}
        <${Authority} />
      </div>
    </div>`;
}
