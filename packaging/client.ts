/** A typed client of the whole API, for programs: `gatebook/client`. It reads what it wrote, at any node. */
import createFetchClient, { type Client, type Middleware } from 'openapi-fetch';
import type { paths, schemas } from './paths.ts';

export type { paths, schemas };
export type RegistryClient = Client<paths>;
export type Problem = schemas['Problem'];

export interface RegistryClientOptions {
  /** Such as `https://gate.plant.example:8443`. */
  readonly url: string;
  /** Of `POST /api/login` or `POST /api/tokens`; asked for at each call, so that it may change. */
  readonly token?: string | (() => string | Promise<string>);
  /** Instead of the platform's own. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

const positionHeader = 'gatebook-position';

/**
 * `GET`, `POST`, `PUT` and `DELETE` take a path of the API and what it takes, and resolve with `{ data }` or with
 * `{ error }`, a problem (RFC 9457) with its stable `code`. Rejects only where no answer came.
 */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const { url, token, fetch } = options;
  const client = createFetchClient<paths>({
    baseUrl: url.replace(/\/+$/, ''),
    ...(fetch !== undefined && { fetch }),
  });
  let position: string | null = null;
  const callerAndPosition: Middleware = {
    async onRequest({ request }) {
      const bearer = typeof token === 'function' ? await token() : token;
      if (bearer !== undefined) request.headers.set('authorization', `Bearer ${bearer}`);
      if (position !== null && bearer !== undefined) request.headers.set(positionHeader, position);
      return request;
    },
    onResponse({ response }) {
      const told = response.headers.get(positionHeader);
      // Positions of one log compare as text.
      if (told !== null && (position === null || told > position)) position = told;
    },
  };
  client.use(callerAndPosition);
  return client;
}
