/** The thread that signs tokens, many in one message: it is woken once for all of them. */
import { type KeyObject, sign } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { tokensWith } from './token-text.ts';

export interface ToSign {
  readonly key: KeyObject;
  readonly footer: string;
  /** Claims as JSON. */
  readonly messages: readonly string[];
}

function tokensOf({ key, footer, messages }: ToSign): string[] {
  const { signed, text } = tokensWith(footer);
  return messages.map((message) => {
    const bytes = Buffer.from(message);
    return text(bytes, sign(null, signed(bytes), key));
  });
}

parentPort?.on('message', (toSign: ToSign) => parentPort?.postMessage(tokensOf(toSign)));
