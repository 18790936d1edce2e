/** The lock: the first thing one sees. Locked is quiet; unlocked is warm, counts down and says its limits. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Window } from '../../api/output.ts';
import { may, nowMs, post, reportPath } from '../app/api.ts';
import { html, Icon, type View } from '../app/html.ts';
import { announce, change, state, useNow, useStore } from '../app/store.ts';
import { clockTime, countdown, counted, durationWords, isFull } from '../app/words.ts';
import { FaultNotice, Name, Said, Time, useCommand } from '../parts/parts.ts';
import {
  durationOf,
  LimitFields,
  limitsOf,
  TimeChoice,
  type TypedLimits,
  typedOf,
  unlimited,
} from './limits.ts';

const registry = '/api/client-registry';

/** What the button will do: one that ends the window sooner says so. */
function unlockWords({ status, until }: Window, typed: TypedLimits, leftMs: number): string {
  const duration = durationOf(typed, leftMs);
  const isTime = Number.isFinite(duration) && duration > 0;
  if (status !== 'unlocked') return isTime ? `Unlock for ${durationWords(duration)}` : 'Unlock';
  if (typed.time === 'left') return `Go on until ${clockTime(until ?? '')}`;
  if (!isTime) return 'Go on';
  return `${duration < leftMs ? 'Shorten to' : 'Go on for'} ${durationWords(duration)}`;
}

/** The unlock form; with `pattern` for one name only, with `window` to change what holds. */
function UnlockForm({
  window,
  pattern,
  onDone,
}: {
  window: Window;
  pattern: string | null;
  onDone: () => void;
}): View {
  const now = useNow();
  const unlocked = window.status === 'unlocked';
  const [typed, setTyped] = useState(unlocked ? typedOf(window) : unlimited);
  const [open, setOpen] = useState(unlocked);
  const command = useCommand();
  useEffect(() => {
    if (pattern === null) return;
    setTyped((before) => ({ ...before, names: pattern }));
    setOpen(true);
  }, [pattern]);
  const set = (changes: Partial<TypedLimits>) => {
    setTyped((before) => ({ ...before, ...changes }));
    if (changes.time === 'other') setOpen(true);
  };
  const allowed = may('write', `${registry}/unlock`);
  const leftMs = unlocked ? Date.parse(window.until ?? '') - now : 0;
  const unlock = (event: Event) => {
    event.preventDefault();
    command.run(async () => {
      const left = unlocked ? Date.parse(window.until ?? '') - nowMs() : 0;
      const durationMs = durationOf(typed, left);
      const after = await post<Window>(`${registry}/unlock`, { durationMs, ...limitsOf(typed) });
      change({ window: after });
      announce('Unlocked');
      onDone();
    });
  };
  return html`<form onSubmit=${unlock} class="lock-form">
    <div class="lock-main">
      <${Icon} name=${unlocked ? 'unlock' : 'lock'} />
      <div>
        <h2 id="lock" tabindex="-1">${unlocked ? 'Change limits' : 'Locked'}</h2>
        <p class="soft">${
          unlocked
            ? 'The same window goes on, with these limits and this end.'
            : 'New devices are turned away. Clients that have access keep working.'
        }</p>
      </div>
      ${
        allowed
          ? html`<div class="lock-do">
              <${TimeChoice} typed=${typed} set=${set} hasEnd=${unlocked} />
              <button class="button" data-kind="main" disabled=${command.busy}><${Icon} name="unlock" />${unlockWords(window, typed, leftMs)}</button>
              ${unlocked && html`<button type="button" class="button" onClick=${onDone}>Cancel</button>`}
            </div>`
          : html`<p class="soft">You may not unlock: that needs write on ${registry}/unlock.</p>`
      }
    </div>
    ${command.fault !== null && html`<div class="lock-note"><${FaultNotice} command=${command} /></div>`}
    ${
      allowed &&
      html`<details open=${open} onToggle=${(event: Event) => setOpen((event.target as HTMLDetailsElement).open)}>
        <summary>Limit who may ask</summary>
        <${LimitFields} typed=${typed} set=${set} faultOf=${command.faultOf} />
      </details>`
    }
  </form>`;
}

/** What came of a window, signed: a document of its own, to print. */
function ReportLink({ windowId }: { windowId: string | null }): View | null {
  const path = reportPath(windowId);
  if (path === null) return null;
  return html`<div class="wide-only"><dt>Report</dt><dd><a href=${path} target="_blank" rel="noopener">What came of it<span class="sr"> (in a new tab)</span></a></dd></div>`;
}

function LastWindow({ window }: { window: Window }): View | null {
  if (window.unlockedAt === null) return null;
  return html`<dl class="facts">
    <div><dt>Last unlocked</dt><dd><${Time} at=${window.unlockedAt} ago /> by <${Name}>${window.unlockedBy}<//></dd></div>
    <div><dt>Asked then</dt><dd>${window.requestCount}</dd></div>
    ${
      window.lockedAt !== null &&
      html`<div><dt>Locked</dt><dd>${window.lockedBy === null ? 'by itself' : html`by <${Name}>${window.lockedBy}<//>`} at <${Time} at=${window.lockedAt} clock /></dd></div>`
    }
    <${ReportLink} windowId=${window.windowId} />
  </dl>`;
}

function Unlocked({ window, onChange }: { window: Window; onChange: () => void }): View {
  const now = useNow();
  const command = useCommand();
  const until = Date.parse(window.until ?? '');
  const left = until - now;
  const whole = until - Date.parse(window.unlockedAt ?? '');
  const isAnnounced = useRef(false);
  useEffect(() => {
    if (left > 60_000) isAnnounced.current = false;
    else if (!isAnnounced.current && left > 0) {
      isAnnounced.current = true;
      announce('1 minute left');
    }
  });
  const lock = () => {
    command.run(async () => {
      change({ window: await post<Window>(`${registry}/lock`) });
      announce('Locked');
    });
  };
  const width = Math.max(0, Math.min(300, Math.round((left / Math.max(1, whole)) * 300)));
  return html`
    <svg class="drain" viewBox="0 0 300 4" preserveAspectRatio="none" aria-hidden="true"><rect width=${width} height="4" /></svg>
    <div class="lock-main">
      <${Icon} name="unlock" />
      <div>
        <h2 id="lock" tabindex="-1">Unlocked</h2>
        <p class="soft">${
          isFull(window)
            ? html`${window.requestCount} of ${window.maxRequests} have asked. Others are turned away until you raise the limit.`
            : html`New devices can ask. Locks by itself at <${Time} at=${window.until} clock />.`
        }</p>
      </div>
      <p class="countdown" role="timer" aria-label="Time left">${left > 0 ? countdown(left) : 'Locking…'}</p>
      <div class="lock-do">
        <button class="button" data-kind="main" onClick=${lock} disabled=${command.busy || !may('write', `${registry}/lock`)}><${Icon} name="lock" />Lock now</button>
        <button class="button" onClick=${onChange} disabled=${!may('write', `${registry}/unlock`)}>Change limits…</button>
      </div>
    </div>
    ${command.fault !== null && html`<div class="lock-note"><${FaultNotice} command=${command} /></div>`}
    <dl class="facts">
      <div><dt>Names</dt><dd>${window.usernamePattern === null ? 'any' : html`<code><bdi>${window.usernamePattern}</bdi></code>`}</dd></div>
      <div><dt>Networks</dt><dd>${window.sources.length === 0 ? 'any' : window.sources.join(', ')}</dd></div>
      <div><dt>Asked</dt><dd>${window.requestCount}${window.maxRequests === null ? '' : ` of at most ${window.maxRequests}`}</dd></div>
      <div class="wide-only"><dt>By</dt><dd><${Name}>${window.unlockedBy}<//>, <${Time} at=${window.unlockedAt} ago /></dd></div>
      ${window.note !== null && html`<div class="wide-only"><dt>Note</dt><dd><${Said} text=${window.note} /></dd></div>`}
      <${ReportLink} windowId=${window.windowId} />
    </dl>`;
}

export function LockCard({
  pattern,
  onUsed,
}: {
  pattern: string | null;
  onUsed: () => void;
}): View {
  const { window, connection } = useStore();
  const [changing, setChanging] = useState(false);
  if (window === null)
    return html`<section class="lock" data-state="unknown" aria-label="The lock"><div class="lock-main"><p class="soft">Looking at the lock…</p></div></section>`;
  const unlocked = window.status === 'unlocked';
  const lost = connection.status === 'lost' ? connection : null;
  const done = () => {
    setChanging(false);
    onUsed();
    requestAnimationFrame(() => document.getElementById('lock')?.focus());
  };
  return html`<section class="lock" data-state=${lost !== null ? 'unknown' : unlocked ? 'unlocked' : 'locked'} aria-labelledby="lock">
    ${
      unlocked && !changing
        ? html`<${Unlocked} window=${window} onChange=${() => setChanging(true)} />`
        : html`<${UnlockForm} key=${String(unlocked)} window=${window} pattern=${pattern} onDone=${done} />`
    }
    ${lost !== null && html`<p class="lock-note soft">The lock may have changed since ${clockTime(new Date(lost.atMs).toISOString())}.</p>`}
    ${!unlocked && html`<${LastWindow} window=${window} />`}
  </section>`;
}

/** The lock in the bar, on every page. */
export function LockBadge(): View | null {
  const { window } = useStore();
  const now = useNow();
  if (window === null) return null;
  const unlocked = window.status === 'unlocked';
  const left = Date.parse(window.until ?? '') - now;
  return html`<a class="badge" data-tone=${unlocked ? 'wait' : undefined} href="#/">
    <${Icon} name=${unlocked ? 'unlock' : 'lock'} />
    <span>${unlocked ? html`Unlocked <span role="timer" aria-label="Time left">${countdown(left)}</span>` : 'Locked'}</span>
  </a>`;
}

/** The title says it too: how many wait, and whether it is open. */
export function titleOf(place: string): string {
  const waiting =
    state.requests.filter(({ status }) => status === 'pending').length + state.arrivals.length;
  const lock = state.window === null ? '' : state.window.status;
  const words = [waiting > 0 ? counted(waiting, 'waiting', 'waiting') : '', lock]
    .filter(Boolean)
    .join(', ');
  return `${place}${words === '' ? '' : `${place === '' ? '' : ': '}${words}`} · Gatebook`;
}
