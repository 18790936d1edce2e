/** Value schemas that all aggregates share. A value that was parsed with them is never checked again. */
import { z } from 'zod';

/** Text that every JSON parser, database and terminal can hold: well-formed Unicode without NUL. */
const wellFormed = (text: string) => text.isWellFormed() && !text.includes('\0');
export const Text = (min: number, max: number) =>
  z
    .string()
    .min(min)
    .max(max)
    .refine(wellFormed, { message: 'must be well-formed Unicode without NUL' });

/** 3 to 128 characters that mean nothing special in a topic, a path or a stream name. */
export const Username = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@:-]{2,127}$/, {
  message: 'must be 3 to 128 of A-Z a-z 0-9 . _ @ : - and start with a letter or digit',
});
export type Username = z.infer<typeof Username>;

/** Whose a person's name is, for ever: the SHA-256 of issuer and subject at the identity provider, in hex. */
export const PersonId = z.string().regex(/^[0-9a-f]{64}$/);
export type PersonId = z.infer<typeof PersonId>;

export const RoleName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
  message: 'must be 1 to 64 of A-Z a-z 0-9 . _ - and start with a letter or digit',
});
export type RoleName = z.infer<typeof RoleName>;

export const Id = z.uuid();
export type Id = z.infer<typeof Id>;

/** Of a day that its month always has: no calendar is asked, which takes longer than all else about an instant. */
const certainInstant =
  /^\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30))T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** An instant in UTC, kept as ISO 8601 text with milliseconds, so that instants sort as text. */
export const Instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .refine((text) => certainInstant.test(text) || !Number.isNaN(Date.parse(text)), {
    message: 'must be an instant',
  });
export type Instant = z.infer<typeof Instant>;

/** Six lower-case hex digits that a person compares; an aid, never a proof. */
export const PairingId = z.string().regex(/^[0-9a-f]{6}$/);
export type PairingId = z.infer<typeof PairingId>;

/** A personal field as it is stored: ciphertext under a key that erasure destroys. */
export const Sealed = z.string().min(1);
export type Sealed = z.infer<typeof Sealed>;

export const Reason = Text(0, 1_000);
export const Note = Text(0, 1_000);

/** Who caused an event: a person or service that signed in, the client itself, or Gatebook. */
export const Actor = z.object({
  kind: z.enum(['user', 'client', 'system']),
  name: z.string().min(1).max(128),
});
export type Actor = z.infer<typeof Actor>;
export const system: Actor = { kind: 'system', name: 'gatebook' };

/** What every event carries: when, by the edge's clock, and who. */
export const caused = { at: Instant, by: Actor };
