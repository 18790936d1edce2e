/** Conditions on who asks: the same for the limits of a window and for a preauthorization. */
import { fitsPattern } from './pattern.ts';

/** Null or none: everybody fits. */
export interface Conditions {
  readonly usernamePattern: string | null;
  /** Networks in CIDR notation. */
  readonly sources: readonly string[];
}

/** Whether an address lies in one of some networks; one that is not known lies in none. */
export type LiesIn = (networks: readonly string[], address: string | null) => boolean;

export const nameFits = ({ usernamePattern }: Conditions, username: string): boolean =>
  usernamePattern === null || fitsPattern(usernamePattern, username);

/** The first condition that whoever asks does not fulfil; null: all are fulfilled. */
export function unmet(
  conditions: Conditions,
  { username, source }: { readonly username: string; readonly source: string | null },
  liesIn: LiesIn,
): 'name' | 'source' | null {
  if (!nameFits(conditions, username)) return 'name';
  const { sources } = conditions;
  return sources.length === 0 || liesIn(sources, source) ? null : 'source';
}
