/** What if: whom other limits, or a preauthorization, would have let in or kept out in the past. */
import { useState } from 'preact/hooks';
import type { WhatIf as Answer } from '../../api/what-if.ts';
import { asFault, get, may, type PageFault } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { clientLink } from '../clients/clients.ts';
import { Field, Name, ReadFault, Stamp, Tone } from '../parts/parts.ts';
import { instantOf } from './as-of.ts';
import {
  differenceWords,
  reasonWords,
  statusWord,
  summaryWords,
  wouldBeWords,
} from './what-if-words.ts';

const shownMax = 100;

interface TypedRule {
  readonly rule: 'limits' | 'preauthorization';
  readonly effect: 'allow' | 'deny';
  readonly usernamePattern: string;
  readonly sources: string;
  readonly pairingId: string;
  /** Requests in a window, or uses. */
  readonly max: string;
  readonly since: string;
  readonly until: string;
  readonly all: boolean;
}
const untyped: TypedRule = {
  rule: 'limits',
  effect: 'allow',
  usernamePattern: '',
  sources: '',
  pairingId: '',
  max: '',
  since: '',
  until: '',
  all: false,
};

const maxOf = ({ rule }: TypedRule) => (rule === 'limits' ? 'maxRequests' : 'maxUses');

function queryOf(typed: TypedRule): URLSearchParams {
  const query = new URLSearchParams({ rule: typed.rule, limit: String(shownMax) });
  const put = (name: string, text: string | null) => {
    if (text !== null && text !== '') query.set(name, text);
  };
  put('usernamePattern', typed.usernamePattern.trim());
  put(
    'sources',
    typed.sources
      .split(/[\s,]+/)
      .filter(Boolean)
      .join(','),
  );
  put(maxOf(typed), typed.max.trim());
  put('since', instantOf(typed.since));
  put('until', instantOf(typed.until));
  put('differs', typed.all ? null : 'true');
  if (typed.rule === 'preauthorization') {
    put('pairingId', typed.pairingId.replaceAll(/\s/g, ''));
    put('effect', typed.effect);
  }
  return query;
}

function Form({
  typed,
  set,
  busy,
  fault,
  ask: run,
}: {
  typed: TypedRule;
  set: (change: Partial<TypedRule>) => void;
  busy: boolean;
  fault: PageFault | null;
  ask: () => void;
}): View {
  const isLimits = typed.rule === 'limits';
  const faults = (name: string) =>
    fault?.errors.find(({ parameter }) => parameter === name)?.detail;
  const input = (
    name: 'usernamePattern' | 'sources' | 'pairingId' | 'max' | 'since' | 'until',
    label: string,
    hint: string | undefined,
    more: object,
  ) => {
    const found = faults(name === 'max' ? maxOf(typed) : name);
    return html`<${Field} id="w-${name}" label=${label} hint=${hint} fault=${found}>
      <input class="input" id="w-${name}" autocomplete="off" spellcheck=${false} value=${typed[name]}
        aria-invalid=${found !== undefined} aria-describedby=${hint === undefined ? undefined : `w-${name}-h`}
        onInput=${(event: InputEvent) => set({ [name]: (event.target as HTMLInputElement).value })} ...${more} /><//>`;
  };
  const radio = (rule: TypedRule['rule'], words: string) =>
    html`<label><input type="radio" name="w-rule" checked=${typed.rule === rule} onChange=${() => set({ rule })} />${words}</label>`;
  return html`<form aria-label="What if" class="stack" onSubmit=${(event: Event) => {
    event.preventDefault();
    run();
  }}>
    <fieldset><legend class="sr">Which rule</legend>
      <div class="segments">${radio('limits', 'Limits')}${radio('preauthorization', 'Preauthorization')}</div></fieldset>
    <p class="small soft">${
      isLimits
        ? 'As if every window had had these limits too.'
        : 'As if names that fit had been decided at once, without anybody looking.'
    }</p>
    <div class="fields">
      ${
        !isLimits &&
        html`<${Field} id="w-effect" label="Those that fit are"><select class="input" id="w-effect" onChange=${(event: Event) => set({ effect: (event.target as HTMLSelectElement).value as TypedRule['effect'] })}>
          <option value="allow" selected=${typed.effect === 'allow'}>let in</option><option value="deny" selected=${typed.effect === 'deny'}>kept out</option></select><//>`
      }
      ${input('usernamePattern', 'Names', 'Empty: any name. * and ? stand for the rest.', { 'data-mono': '', placeholder: 'press-*' })}
      ${
        may('read', '/api/personal-data') &&
        input('sources', 'Networks', 'Empty: any address. Several with a space between.', {
          'data-mono': '',
          placeholder: '10.4.0.0/16',
        })
      }
      ${!isLimits && input('pairingId', 'Pairing ID', 'Empty: any, or none.', { 'data-mono': '' })}
      ${input('max', isLimits ? 'Requests at most' : 'Uses at most', isLimits ? 'In each window. Empty: no limit.' : 'Empty: no limit.', { inputmode: 'numeric' })}
      ${input('since', 'Asked from', undefined, { type: 'datetime-local', step: '1' })}
      ${input('until', 'Asked before', undefined, { type: 'datetime-local', step: '1' })}
    </div>
    <div class="row"><label class="choice"><input type="checkbox" checked=${typed.all} onChange=${() => set({ all: !typed.all })} />List those too that come out the same</label>
      <button class="button" disabled=${busy}>${busy ? 'Looking…' : 'Try it'}</button></div>
  </form>`;
}

function Outcome({ answer, asked }: { answer: Answer; asked: TypedRule }): View {
  const { counts, items, nextCursor } = answer;
  const effect = asked.rule === 'limits' ? 'limits' : asked.effect;
  return html`<div class="stack"><div role="status"><p><strong>${summaryWords(effect, counts)}</strong></p>
      ${differenceWords(counts).map((words) => html`<p key=${words}>${words}</p>`)}</div>
    ${
      items.length > 0 &&
      html`<table><thead><tr><th scope="col">Client</th><th scope="col" class="wide-only">Asked</th><th scope="col">Decided</th><th scope="col">Would have been</th></tr></thead>
        <tbody>${items.map(
          ({ request, outcome, reason, differs }) => html`<tr key=${request.requestId}>
            <td><a class="wrap" href=${clientLink(request.username)}><${Name}>${request.username}<//></a>${request.kind === 'replacement' && html`<br /><span class="soft small">replacement</span>`}</td>
            <td class="wide-only"><${Stamp} at=${request.requestedAt} />${request.source !== null && html`<br /><span class="soft small"><bdi>${request.source}</bdi></span>`}</td>
            <td>${statusWord[request.status]}</td>
            <td>${differs ? html`<${Tone} tone=${outcome === 'let-in' ? 'wait' : 'bad'} icon=${outcome === 'let-in' ? 'unlock' : 'cross'}>${wouldBeWords[outcome]}<//>` : wouldBeWords[outcome]}<br /><span class="soft small">${reasonWords[reason]}</span></td>
          </tr>`,
        )}</tbody></table>`
    }
    ${nextCursor !== null && html`<p class="small soft">These are the newest ${shownMax}; gatebook what-if goes on from there.</p>`}</div>`;
}

export function WhatIf(): View {
  const [typed, setTyped] = useState<TypedRule>(untyped);
  const [found, setFound] = useState<{ answer: Answer; asked: TypedRule } | null>(null);
  const [fault, setFault] = useState<PageFault | null>(null);
  const [busy, setBusy] = useState(false);
  const ask = () => {
    setBusy(true);
    get<Answer>(`/api/audit/what-if?${queryOf(typed)}`)
      .then(
        (answer) => {
          setFound({ answer, asked: typed });
          setFault(null);
        },
        (error: unknown) => {
          setFound(null);
          setFault(asFault(error));
        },
      )
      .finally(() => setBusy(false));
  };
  const set = (change: Partial<TypedRule>) => setTyped((before) => ({ ...before, ...change }));
  return html`<section class="card" aria-labelledby="what-if">
    <h2 id="what-if">What if</h2>
    <p class="soft">Run a rule over the requests of the past: who would have been let in, and who kept out? Nothing is recorded.</p>
    <${Form} typed=${typed} set=${set} busy=${busy} fault=${fault} ask=${ask} />
    ${fault?.code !== 'request-malformed' && html`<${ReadFault} fault=${fault} again=${ask} />`}
    ${found !== null && html`<${Outcome} ...${found} />`}
  </section>`;
}
