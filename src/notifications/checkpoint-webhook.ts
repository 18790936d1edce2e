/** Sends published checkpoints to the webhook, once each: the next checkpoint covers one that was lost. */
import type { Published } from '../audit/transparency-log/publisher.ts';
import { checkpointWebhookMs } from '../limits/notifications.ts';
import type { Logger } from '../logger.ts';
import { postMessage } from './delivery.ts';
import { type WebhookTarget, webhookMessage } from './messages.ts';

/** Resolves when the receiver has answered, or has not in time; never rejects. */
export async function sendCheckpoint(
  webhook: WebhookTarget | null,
  published: Published,
  at: string,
  logger: Logger,
): Promise<void> {
  if (webhook === null) return;
  const message = webhookMessage(webhook, {
    id: `checkpoint-${published.size}`,
    event: 'checkpoint.published',
    subject: published.origin,
    at,
    data: published,
  });
  const detail = await postMessage(message, AbortSignal.timeout(checkpointWebhookMs));
  if (detail !== null) logger.warn('A checkpoint could not be sent to the webhook', { detail });
}
