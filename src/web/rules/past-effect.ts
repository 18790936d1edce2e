/** What a rule that is being written would have come to so far, beside it. */
import { useEffect, useState } from 'preact/hooks';
import type { WhatIf } from '../../api/what-if.ts';
import { faultWords, get, may } from '../app/api.ts';
import { html, type View } from '../app/html.ts';
import { differenceWords, summaryWords } from '../audit/what-if-words.ts';
import { useRead } from '../parts/parts.ts';
import type { RuleDraft } from './typed-rule.ts';

const settleMs = 400;

/** The question; a rule that lets ask is judged like one that lets in. */
function whatIfQuery(typed: RuleDraft): string {
  const query = new URLSearchParams({ rule: 'preauthorization', differs: 'true', limit: '1' });
  const put = (name: string, text: string) => {
    if (text !== '') query.set(name, text);
  };
  put('effect', typed.effect === 'deny' ? 'deny' : 'allow');
  put('usernamePattern', typed.usernamePattern.trim());
  if (may('read', '/api/personal-data'))
    put(
      'sources',
      typed.sources
        .split(/[\s,;]+/)
        .filter(Boolean)
        .join(','),
    );
  put('pairingId', typed.pairingId.replaceAll(/\s/g, ''));
  if (typed.proof === 'key') put('csrFingerprint', typed.csrFingerprint.replaceAll(/[\s:]/g, ''));
  if (typed.effect !== 'deny') put('maxUses', typed.maxUses.trim());
  return String(query);
}

export function PastEffect({ typed }: { typed: RuleDraft }): View | null {
  const now = whatIfQuery(typed);
  const [asked, setAsked] = useState(now);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(now), settleMs);
    return () => clearTimeout(timer);
  }, [now]);
  const isMine = may('read', '/api/audit/what-if');
  const { value, fault } = useRead(asked, async () =>
    isMine ? await get<WhatIf>(`/api/audit/what-if?${asked}`) : null,
  );
  if (!isMine) return null;
  const words =
    fault !== null
      ? faultWords(fault)
      : value === null
        ? 'Looking…'
        : [
            summaryWords(typed.effect === 'deny' ? 'deny' : 'allow', value.counts),
            ...differenceWords(value.counts),
          ].join(' ');
  return html`<section class="aside" aria-labelledby="past"><h3 id="past">If it had stood so far</h3>
    <p class="small" role="status">${words}</p>
    <p class="small soft">Judged over the requests that were asked; nothing is recorded.</p></section>`;
}
