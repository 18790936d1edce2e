/** Calls to a broker's REST API: bounded in time, and every failure as BrokerDown or BrokerRefused. */
import type { ApiAddress } from '../../config/brokers.ts';
import { hookApiBytesMax, hookApiTimeoutMs } from '../../limits/brokers.ts';
import { bodyOfAtMost } from '../../platform/answers/bounded-body.ts';
import { BrokerDown, BrokerRefused } from '../ports/broker.ts';

interface ApiAnswer {
  readonly status: number;
  /** Undefined where the answer is no JSON. */
  readonly body: unknown;
}

export type Api = (
  method: 'GET' | 'DELETE',
  path: string,
  headers?: Readonly<Record<string, string>>,
) => Promise<ApiAnswer>;

/**
 * Answers of 2xx and 404 come back; calls reject with BrokerRefused for other 4xx but 401 and 403,
 * with BrokerDown for everything else. No message has more of the address than the host.
 */
export function brokerApi(name: string, address: ApiAddress): Api {
  const basic = Buffer.from(`${address.username}:${address.password}`).toString('base64');
  return async (method, path, headers = {}) => {
    let status: number;
    let body: Buffer | null;
    try {
      const response = await fetch(`${address.url}${path}`, {
        method,
        headers: { Accept: 'application/json', ...headers, Authorization: `Basic ${basic}` },
        redirect: 'error',
        signal: AbortSignal.timeout(hookApiTimeoutMs),
      });
      ({ status } = response);
      body = await bodyOfAtMost(response, hookApiBytesMax);
    } catch (error) {
      const { code } = ((error as Error).cause ?? error) as { code?: string };
      throw new BrokerDown(`${name} does not answer at ${address.url}${code ? ` (${code})` : ''}`);
    }
    if (status === 401 || status === 403)
      // Retried: an administrator will correct it, and what was to be closed has to be closed then.
      throw new BrokerDown(`${name} refuses the account in GATEBOOK_BROKER (${status})`);
    if (status >= 400 && status < 500 && status !== 404)
      throw new BrokerRefused(`${name} refuses ${method} (${status})`);
    if (status >= 300 && status !== 404) throw new BrokerDown(`${name} answers ${status}`);
    if (body === null) throw new BrokerDown(`${name} answers more than is read`);
    return { status, body: jsonOf(body.toString()) };
  };
}

function jsonOf(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
