/** A rule as somebody types it, and as it is sent. */
import { noRights, sentRights, type TypedRights } from '../rights/typed-rights.ts';

export interface RuleDraft {
  readonly effect: 'allow' | 'deny' | 'ask';
  readonly usernamePattern: string;
  readonly sources: string;
  readonly pairingId: string;
  readonly proof: 'none' | 'code' | 'key';
  readonly csrFingerprint: string;
  readonly maxUses: string;
  /** `2026-12-31`: its last day. */
  readonly until: string;
  readonly note: string;
  readonly rights: TypedRights;
}

const dayMs = 24 * 3_600_000;
const daysAtFirst = 30;

export const untypedRule = (nowMs: number): RuleDraft => ({
  effect: 'allow',
  usernamePattern: '',
  sources: '',
  pairingId: '',
  proof: 'code',
  csrFingerprint: '',
  maxUses: '1',
  until: new Date(nowMs + daysAtFirst * dayMs).toISOString().slice(0, 10),
  note: '',
  rights: noRights,
});

const given = (name: string, text: string) => (text === '' ? {} : { [name]: text });

export function sentRule(typed: RuleDraft): object {
  const { effect, proof } = typed;
  const sources = typed.sources.split(/[\s,;]+/).filter(Boolean);
  const maxUses = typed.maxUses.trim();
  return {
    effect,
    ...given('usernamePattern', typed.usernamePattern.trim()),
    ...(sources.length === 0 ? {} : { sources }),
    ...given('pairingId', typed.pairingId.replaceAll(/\s/g, '')),
    ...(effect !== 'deny' && proof === 'code' ? { enrolmentCode: true } : {}),
    ...(proof === 'key' ? { csrFingerprint: typed.csrFingerprint.replaceAll(/[\s:]/g, '') } : {}),
    // What is no number is sent as it is, so that the registry says what it should be.
    ...(effect === 'deny' || maxUses === ''
      ? {}
      : { maxUses: /^\d{1,9}$/.test(maxUses) ? Number(maxUses) : maxUses }),
    until: typed.until === '' ? '' : new Date(`${typed.until}T23:59:59.000`).toISOString(),
    ...given('note', typed.note.trim()),
    ...(effect === 'allow' ? sentRights(typed.rights) : {}),
  };
}
