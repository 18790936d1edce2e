/** EMQX 5 as its documentation has it, for tests: what it shows, and its REST API over the sessions of a test. */
import { type AskingBroker, endSession } from './peer.ts';

const secret = 'a-secret-of-emqx-0123';
export const bearer = { Authorization: `Bearer ${secret}` };

export const emqxBroker = {
  secret,
  setting: (address: string) => `emqx+http://key:secret@${address}`,
  answer(
    sessions: AskingBroker['sessions'],
    method: string,
    { pathname, searchParams }: URL,
  ): [number, object?] {
    if (method === 'GET' && pathname === '/api/v5/clients') {
      const ids = sessions.get(searchParams.get('username') ?? '') ?? [];
      const data = ids.map((clientid) => ({ clientid, connected: true, node: 'emqx@127.0.0.1' }));
      return [200, { data, meta: { count: data.length, limit: 1_000, page: 1, hasnext: false } }];
    }
    const clientId = decodeURIComponent(pathname.replace('/api/v5/clients/', ''));
    return method === 'DELETE' && endSession(sessions, clientId)
      ? [204]
      : [404, { code: 'CLIENTID_NOT_FOUND', message: 'Client ID not found' }];
  },
};
