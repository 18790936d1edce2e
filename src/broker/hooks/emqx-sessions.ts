/** EMQX 5: how it is told to kick clients, over its REST API. */
import { z } from 'zod';
import type { ApiAddress } from '../../config/brokers.ts';
import { hookPageSize, hookPagesMax } from '../../limits.ts';
import type { SessionsApi } from './adapter.ts';
import { brokerApi } from './rest-api.ts';

const Page = z.object({
  data: z.array(z.object({ clientid: z.string(), connected: z.boolean().optional() })),
});

/** A kick ends a stored session too, whose subscriptions EMQX would not check again. */
export function emqxSessions(name: string, address: ApiAddress): SessionsApi {
  const api = brokerApi(name, address);
  return {
    async probe() {
      await api('GET', '/api/v5/clients?limit=1');
    },
    async close(username, staying) {
      const found: z.output<typeof Page>['data'] = [];
      for (let page = 1; page <= hookPagesMax; page++) {
        const query = new URLSearchParams({
          username,
          limit: String(hookPageSize),
          page: String(page),
        });
        const { body } = await api('GET', `/api/v5/clients?${query}`);
        const data = Page.safeParse(body).data?.data ?? [];
        found.push(...data);
        if (data.length < hookPageSize) break;
      }
      let closed = 0;
      for (const { clientid, connected } of found) {
        if (staying.has(clientid)) continue;
        const { status } = await api('DELETE', `/api/v5/clients/${encodeURIComponent(clientid)}`);
        if (status !== 404 && connected !== false) closed++;
      }
      return closed;
    },
  };
}
