/** What was typed is not what it should be. */

/** The message says what it should be. */
export class MistypedError extends Error {
  override name = 'MistypedError';
}
