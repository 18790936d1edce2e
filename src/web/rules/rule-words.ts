/** Rules in words: whom they are about, by what proof, and what they come to. */
import type { Preauthorization } from '../../api/output.ts';
import { counted, pairingGroups } from '../app/words.ts';

export const rulesPath = '/api/client-registry/preauthorizations';

export const effectWords: Readonly<Record<Preauthorization['effect'], string>> = {
  allow: 'Let in',
  ask: 'May ask',
  deny: 'Kept out',
};

export const statusWords: Readonly<
  Record<Preauthorization['status'], readonly [word: string, tone: string, icon: string]>
> = {
  active: ['Live', 'good', 'check'],
  used: ['Used up', '', 'check'],
  ended: ['Ended', '', 'clock'],
  withdrawn: ['Withdrawn', 'bad', 'cross'],
};

/** From where, and with what it has to show. */
export function narrowWords({ sources, pairingId }: Preauthorization): string {
  return [
    ...(sources.length === 0 ? [] : [`from ${sources.join(' ')}`]),
    ...(pairingId === null ? [] : [`with pairing ID ${pairingGroups(pairingId)}`]),
  ].join(', ');
}

export function proofWords({ hasEnrolmentCode, csrFingerprint, effect }: Preauthorization): string {
  if (effect === 'deny') return 'always';
  const proofs = [
    ...(hasEnrolmentCode ? ['by its code'] : []),
    ...(csrFingerprint === null ? [] : [`by the key ${csrFingerprint.slice(0, 12)}…`]),
  ];
  return proofs.length === 0 ? 'only while unlocked' : proofs.join(' and ');
}

export function usesWords({ effect, useCount, maxUses }: Preauthorization): string {
  if (effect === 'deny') return '';
  return maxUses === 1
    ? useCount === 1
      ? 'used'
      : 'not used'
    : `${useCount.toLocaleString('en')} of ${counted(maxUses, 'use', 'uses')}`;
}
