/** What is sent where: webhooks signed by the Standard Webhooks specification (1.0), and ntfy-style messages. */
import { createHmac } from 'node:crypto';
import { notificationNamesMax } from '../limits.ts';

export interface Message {
  /** The same at each attempt, so that its receiver knows it again. */
  readonly id: string;
  readonly event: string;
  /** What it is about: names, for people who look at what was not delivered. */
  readonly subject: string;
  readonly url: string;
  readonly body: string;
  /** Made anew for each attempt: a signature is of its moment. */
  readonly headers: (nowMs: number) => Readonly<Record<string, string>>;
}

/** `webhook-signature` of a message: HMAC-SHA-256 over id, timestamp (s) and body; the secret begins `whsec_`. */
export function webhookSignature(
  secret: string,
  id: string,
  timestamp: number,
  body: string,
): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

export function webhookMessage(
  to: { readonly url: string; readonly secret: string | null },
  told: {
    readonly id: string;
    readonly event: string;
    readonly subject: string;
    readonly at: string;
    readonly data: unknown;
  },
): Message {
  const { id, event, subject, at, data } = told;
  const body = JSON.stringify({ event, at, data });
  return {
    ...{ id, event, subject, body },
    url: to.url,
    headers: (nowMs) => {
      const timestamp = Math.floor(nowMs / 1_000);
      return {
        'Content-Type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        ...(to.secret === null
          ? {}
          : { 'webhook-signature': webhookSignature(to.secret, id, timestamp, body) }),
      };
    },
  };
}

/** One message for people about everybody who asked since the last one. */
export function ntfyMessage(
  to: { readonly url: string; readonly page: string | null },
  asked: readonly { readonly id: string; readonly username: string }[],
): Message {
  const names = asked.slice(0, notificationNamesMax).map(({ username }) => username);
  const more = asked.length - names.length;
  const subject = names.join(', ') + (more > 0 ? ` and ${more} more` : '');
  const one = asked.length === 1;
  return {
    id: asked.at(-1)?.id ?? '',
    event: 'request.pending',
    subject,
    url: to.url,
    body: `${subject} ${one ? 'waits' : 'wait'} for a decision.`,
    headers: () => ({
      'Content-Type': 'text/plain; charset=utf-8',
      Title: one ? 'A device asks for access' : `${asked.length} devices ask for access`,
      Tags: 'bell',
      ...(to.page === null ? {} : { Click: to.page }),
    }),
  };
}
