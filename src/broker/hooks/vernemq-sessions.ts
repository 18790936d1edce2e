/** VerneMQ: how it is told to disconnect sessions. */
import { z } from 'zod';
import type { ApiAddress } from '../../config/brokers.ts';
import { hookPageSize } from '../../limits.ts';
import type { SessionsApi } from './adapter.ts';
import { brokerApi } from './rest-api.ts';

const Table = z.object({
  table: z.array(
    z.object({
      client_id: z.string(),
      mountpoint: z.string().optional(),
      is_online: z.boolean().optional(),
    }),
  ),
});

/** Its HTTP API has the words of `vmq-admin`. What is stored for a closed session goes with it. */
export function vernemqSessions(name: string, address: ApiAddress): SessionsApi {
  const api = brokerApi(name, address);
  return {
    async probe() {
      await api('GET', '/api/v1/cluster/show');
    },
    async close(username, staying) {
      const user = encodeURIComponent(username);
      const { body } = await api(
        'GET',
        `/api/v1/session/show?--client_id&--mountpoint&--is_online&--user=${user}&--limit=${hookPageSize}`,
      );
      let closed = 0;
      for (const one of Table.safeParse(body).data?.table ?? []) {
        if (staying.has(one.client_id)) continue;
        const clientId = encodeURIComponent(one.client_id);
        const mountpoint = one.mountpoint
          ? `&mountpoint=${encodeURIComponent(one.mountpoint)}`
          : '';
        const { status } = await api(
          'GET',
          `/api/v1/session/disconnect?client-id=${clientId}${mountpoint}&--cleanup`,
        );
        if (status !== 404 && one.is_online !== false) closed++;
      }
      return closed;
    },
  };
}
