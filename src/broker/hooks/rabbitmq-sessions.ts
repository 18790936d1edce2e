/** RabbitMQ: how it is told to close connections. */
import type { ApiAddress } from '../../config/brokers.ts';
import type { SessionsApi } from './adapter.ts';
import { type Api, brokerApi } from './rest-api.ts';

/** Over the management plugin. A list of connections does not tell their client ids: all close, or none. */
export function rabbitmqSessions(name: string, address: ApiAddress): SessionsApi {
  const api: Api = brokerApi(name, address);
  return {
    async probe() {
      await api('GET', '/api/whoami');
    },
    async close(username, staying) {
      const path = `/api/connections/username/${encodeURIComponent(username)}`;
      const { body } = await api('GET', path);
      const count = Array.isArray(body) ? body.length : 0;
      if (count === 0 || staying.all(count)) return 0;
      await api('DELETE', path, { 'X-Reason': 'access changed' });
      return count;
    },
  };
}
