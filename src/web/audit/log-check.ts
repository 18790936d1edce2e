/** "Is the log as it was?": the checkpoint's signature, and the one this browser saw before, checked here. */
import { useState } from 'preact/hooks';
import type { Event } from '../../api/output.ts';
import { asFault, faultWords, get, may, nowMs, PageFault, pageHeaders } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { remember, remembered } from '../app/store.ts';
import { counted } from '../app/words.ts';
import { Notice, Stamp, Time, Tone } from '../parts/parts.ts';
import {
  canCheck,
  isConsistent,
  isIncluded,
  leafHashOf,
  readCheckpoint,
  type ServedCheckpoint,
  signatureHolds,
  verifierKeyOf,
} from './proof.ts';

/** What this browser keeps of an earlier look: an old checkpoint is what makes a rewrite visible. */
interface SavedCheckpoint {
  readonly key: string;
  readonly keyAt: string;
  readonly size: number;
  readonly root: string;
  readonly at: string;
}

interface Step {
  readonly name: string;
  /** Null: there was nothing to check. */
  readonly good: boolean | null;
  readonly words: unknown;
}

export interface LogCheck {
  readonly at: string;
  readonly note: string;
  readonly size: number;
  /** The checkpoint that this one was compared with; null: this browser had none. */
  readonly compared: Pick<SavedCheckpoint, 'size' | 'at'> | null;
  readonly steps: readonly Step[];
}

const readText = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
  const response = await fetch(path, { headers: { ...pageHeaders, ...headers } });
  const text = await response.text();
  if (!response.ok) throw new PageFault(response.status, JSON.parse(text), null);
  return text;
};

const savedCheckpoint = (): SavedCheckpoint | null => {
  try {
    return JSON.parse(remembered('checkpoint') ?? 'null') as SavedCheckpoint | null;
  } catch {
    return null;
  }
};

const number = (value: number): string => value.toLocaleString('en');

async function olderStep(now: ServedCheckpoint, saved: SavedCheckpoint | null): Promise<Step> {
  const name = 'Older checkpoint';
  if (saved === null)
    return {
      name,
      good: null,
      words: 'None yet. This one is kept in this browser, to compare later ones with.',
    };
  if (saved.size > now.size)
    return {
      name,
      good: false,
      words: html`The log has ${number(now.size)} events; it had ${number(saved.size)} on <${Stamp} at=${saved.at} />.`,
    };
  const { hashes } =
    saved.size === now.size || saved.size === 0
      ? { hashes: [] }
      : await get<{ hashes: string[] }>(
          `/api/audit/proofs/consistency?from=${saved.size}&to=${now.size}`,
        );
  const fits = await isConsistent(saved, now, hashes);
  return {
    name,
    good: fits,
    words: fits
      ? html`The ${number(saved.size)} events of <${Stamp} at=${saved.at} /> are the first ones of today’s ${number(now.size)}.`
      : html`The events of <${Stamp} at=${saved.at} /> are not the first ones any more: somebody rewrote the log since.`,
  };
}

/** @throws Fault */
async function checkLog(): Promise<LogCheck> {
  const [note, keyText] = await Promise.all([
    readText('/api/audit/checkpoint'),
    readText('/.well-known/checkpoint-key'),
  ]);
  const at = new Date(nowMs()).toISOString();
  const checkpoint = readCheckpoint(note);
  const key = verifierKeyOf(keyText);
  const saved = savedCheckpoint();
  const sameKey = saved === null || saved.key === keyText.trim();
  const signed = checkpoint !== null && key !== null && (await signatureHolds(checkpoint, key));
  const since = saved === null ? at : saved.keyAt;
  const steps: Step[] = [
    {
      name: 'Signature',
      good: signed && sameKey,
      words: !signed
        ? 'It is not by the key that this registry names.'
        : sameKey
          ? html`By the key that this browser first saw on <${Stamp} at=${since} />, <code>${key?.hash}</code>.`
          : html`By another key than the one first seen on <${Stamp} at=${since} />: ask who changed it.`,
    },
  ];
  if (checkpoint !== null) steps.push(await olderStep(checkpoint, saved));
  if (checkpoint !== null && steps.every(({ good }) => good !== false))
    remember(
      'checkpoint',
      JSON.stringify({
        key: keyText.trim(),
        keyAt: since,
        size: checkpoint.size,
        root: checkpoint.root,
        at,
      }),
    );
  return { at, note, size: checkpoint?.size ?? 0, compared: saved, steps };
}

function StepTone({ good }: Pick<Step, 'good'>): View {
  if (good === null) return html`<${Tone} tone="wait" icon="clock">not checked<//>`;
  return html`<${Tone} tone=${good ? 'good' : 'bad'} icon=${good ? 'check' : 'alert'}>${good ? 'fits' : 'does not fit'}<//>`;
}

/** No more than docs/what-is-proven.md says: what was compared with what, and since when. */
function Verdict({ checked: { at, size, compared, steps } }: { checked: LogCheck }): View {
  const when = html`Checked in this browser <${Time} at=${at} ago />.`;
  if (steps.some(({ good }) => good === false))
    return html`<${Notice} tone="bad" icon="alert"><strong>No. What follows does not fit.</strong><br /><span class="small">${when}</span><//>`;
  if (compared === null)
    return html`<${Notice} tone="wait" icon="clock"><strong>The signature fits. Nothing older to compare with yet.</strong><br /><span class="small">${when} Whether the log was rewritten before this, it cannot tell. This checkpoint of ${counted(size, 'event', 'events')} is kept here: the next check compares with it.</span><//>`;
  const newer = size - compared.size;
  return html`<${Notice} tone="good" icon="check"><strong>The first ${counted(compared.size, 'event is as it was', 'events are as they were')} on <${Stamp} at=${compared.at} />.</strong><br /><span class="small">${when} Since the checkpoint of then, nothing of them was rewritten.${newer > 0 && ` ${counted(newer, 'newer event is', 'newer events are')} signed, and not compared with anything older.`}</span><//>`;
}

export function LogCheck(): View {
  const [checked, setChecked] = useState<LogCheck | null>(null);
  const [fault, setFault] = useState<PageFault | null>(null);
  const [busy, setBusy] = useState(false);
  const check = () => {
    setBusy(true);
    checkLog()
      .then((done) => {
        setChecked(done);
        setFault(null);
      })
      .catch((error: unknown) => setFault(asFault(error)))
      .finally(() => setBusy(false));
  };
  return html`<section class="aside" aria-labelledby="proof">
      <h2 id="proof">Is the log as it was?</h2>
      <div role="status">${
        checked === null
          ? html`<p class="small soft">${canCheck() ? 'This browser keeps the checkpoint that it sees, and checks by itself whether a later log is that one, only longer.' : 'A browser checks only what came by HTTPS, or from its own machine. Elsewhere: gatebook verify.'}</p>`
          : html`<${Verdict} checked=${checked} />`
      }</div>
      ${fault !== null && html`<${Notice} tone="bad" role="alert">${faultWords(fault)}<//>`}
      ${checked !== null && html`<ol class="lines small">${checked.steps.map((step) => html`<li key=${step.name}><p class="row"><strong>${step.name}</strong><${StepTone} good=${step.good} /></p><p class="soft">${step.words}</p></li>`)}</ol>`}
      <div class="buttons"><button class="button" onClick=${check} disabled=${busy || !canCheck()}>${checked === null ? 'Check now' : 'Check again'}</button></div>
    </section>
    ${
      checked !== null &&
      html`<section class="aside" aria-labelledby="cp"><h2 id="cp">Latest checkpoint</h2>
        <pre class="well" tabindex="0" aria-labelledby="cp">${checked.note}</pre>
        <p class="small soft">Keep a copy where this registry cannot reach it: an old checkpoint is what makes a rewrite visible.</p></section>`
    }`;
}

/** The stored bytes of one event, as the export has them. */
async function exportedLine(index: number): Promise<Uint8Array> {
  const ending = new AbortController();
  const response = await fetch(`/api/audit/export?from=${index}`, {
    headers: pageHeaders,
    signal: ending.signal,
  });
  if (!response.ok || response.body === null)
    throw new PageFault(response.status, await response.json(), null);
  const reader = response.body.getReader();
  let bytes = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (value !== undefined) {
      const longer = new Uint8Array(bytes.length + value.length);
      longer.set(bytes);
      longer.set(value, bytes.length);
      bytes = longer;
    }
    const end = bytes.indexOf(10);
    if (end < 0 && !done) continue;
    ending.abort();
    return end < 0 ? bytes : bytes.slice(0, end);
  }
}

async function proven(event: Event): Promise<boolean> {
  const checkpoint = readCheckpoint(await readText('/api/audit/checkpoint'));
  const key = verifierKeyOf(await readText('/.well-known/checkpoint-key'));
  if (checkpoint === null || key === null || !(await signatureHolds(checkpoint, key))) return false;
  const [line, proof] = await Promise.all([
    exportedLine(event.index),
    get<Parameters<typeof isIncluded>[0]>(
      `/api/audit/proofs/inclusion?index=${event.index}&size=${checkpoint.size}`,
    ),
  ]);
  const stored = JSON.parse(new TextDecoder().decode(line)) as { eventId?: string };
  return (
    stored.eventId === event.eventId &&
    proof.rootHash === checkpoint.root &&
    proof.leafHash === (await leafHashOf(line)) &&
    (await isIncluded({ ...proof, index: event.index, size: checkpoint.size }))
  );
}

/** "Prove it": that this very event is in the signed log, at its number. */
export function Proof({ event }: { event: Event }): View | null {
  const [found, setFound] = useState<boolean | PageFault | null>(null);
  if (!may('read', '/api/audit/export') || !canCheck()) return null;
  const prove = () => {
    proven(event).then(setFound, (error: unknown) => setFound(asFault(error)));
  };
  if (found === null)
    return html`, <button type="button" class="link" onClick=${prove}>prove it<span class="sr"> for no. ${event.index}</span></button>`;
  if (found instanceof PageFault) return html`, <span role="status">${faultWords(found)}</span>`;
  return html`, <span role="status"><${Tone} tone=${found ? 'good' : 'bad'} icon=${found ? 'check' : 'alert'}>${found ? 'proven in the signed log' : 'not proven: it is not in the signed log as it stands here'}<//></span>`;
}
