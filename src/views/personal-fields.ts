/** Decrypts personal fields for those who may read them; everywhere else they are ciphertext. */
import type { Personal } from '../credentials/personal-data.ts';

export const personalFields = ['source', 'clientId', 'context'] as const;
export type PersonalField = (typeof personalFields)[number];

/** Null: it was erased, or the reader may not see it. */
export const opened = async (
  personal: Pick<Personal, 'open'>,
  username: string,
  field: PersonalField,
  sealed: string | null,
  seeing: boolean,
): Promise<unknown> => (seeing ? await personal.open(username, field, sealed) : null);
