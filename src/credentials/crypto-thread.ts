/** The thread that signs tokens and seals fields, many in one message: it is woken once for all of them. */
import { type KeyObject, sign } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { tokensWith } from './keys/token-text.ts';
import { type SealedAnew, sealAnew, type ToSeal } from './seal.ts';

export interface ToSign {
  readonly key: KeyObject;
  readonly footer: string;
  /** Claims as JSON. */
  readonly messages: readonly string[];
}

export type ToCryptoThread = { readonly toSign: ToSign } | { readonly toSeal: ToSeal };
export type FromCryptoThread = readonly string[] | readonly SealedAnew[];

function tokensOf({ key, footer, messages }: ToSign): string[] {
  const { signed, text } = tokensWith(footer);
  return messages.map((message) => {
    const bytes = Buffer.from(message);
    return text(bytes, sign(null, signed(bytes), key));
  });
}

const answerTo = (message: ToCryptoThread): FromCryptoThread =>
  'toSign' in message ? tokensOf(message.toSign) : sealAnew(message.toSeal);

parentPort?.on('message', (message: ToCryptoThread) => parentPort?.postMessage(answerTo(message)));
