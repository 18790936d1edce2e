/** Audit events by HTTP: a POST of NDJSON for each portion; the receiver has it when it answers 2xx. */
import { type ClientRequest, Agent as HttpAgent, request as requestPlain } from 'node:http';
import { Agent as HttpsAgent, request as requestTls } from 'node:https';
import { NotDelivered, notInTime, type SiemRecord, type SiemSink } from './record.ts';

interface HttpTarget {
  readonly url: string;
  /** Of the header Authorization; null: none. */
  readonly authorization: string | null;
  /** PEM; null: those that the system trusts. */
  readonly ca: string | null;
}

/** A line: the leaf stands last and as it is, so that whoever cuts it out has what was hashed. */
export const ndjsonLine = ({ index, hash, position, leaf }: SiemRecord, logId: string): string =>
  `${JSON.stringify({ index, hash, position, log: logId }).slice(0, -1)},"leaf":${leaf}}\n`;

export function ndjsonSink(target: HttpTarget, { logId }: { readonly logId: string }): SiemSink {
  const agent = target.url.startsWith('https:')
    ? new HttpsAgent({ keepAlive: true, maxSockets: 1, ...(target.ca && { ca: target.ca }) })
    : new HttpAgent({ keepAlive: true, maxSockets: 1 });
  return {
    send: (records, signal) =>
      posted(
        target,
        agent,
        Buffer.from(records.map((one) => ndjsonLine(one, logId)).join('')),
        signal,
      ),
    close: () => agent.destroy(),
  };
}

/** @throws NotDelivered */
function posted(
  { url, authorization }: HttpTarget,
  agent: HttpAgent | HttpsAgent,
  body: Buffer,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (detail: string) => reject(new NotDelivered(detail));
    const ask = url.startsWith('https:') ? requestTls : requestPlain;
    const sent: ClientRequest = ask(url, {
      ...{ method: 'POST', agent, signal },
      headers: {
        'Content-Type': 'application/x-ndjson',
        'Content-Length': body.length,
        ...(authorization === null ? {} : { Authorization: authorization }),
      },
    });
    const broken = (error: NodeJS.ErrnoException) =>
      fail(signal.aborted ? notInTime : (error.code ?? 'the connection broke'));
    sent.on('error', broken);
    sent.on('response', (response) => {
      const { statusCode = 0 } = response;
      // To its end, or the connection could not be used again.
      response.on('error', broken).resume();
      response.on('end', () =>
        statusCode >= 200 && statusCode < 300 ? resolve() : fail(`answered ${statusCode}`),
      );
    });
    sent.end(body);
  });
}
