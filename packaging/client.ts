/** A typed client of the whole API, for programs: `gatebook/client`. It reads what it wrote, at any node. */
import createFetchClient, { type Client, type Middleware } from 'openapi-fetch';
import type { paths, schemas } from './paths.ts';

export type { paths, schemas };
export type RegistryClient = Client<paths>;
export type Problem = schemas['Problem'];

interface Reached {
  /** Such as `https://gate.plant.example:8443`. */
  readonly url: string;
  /** Instead of the platform's own. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

export interface RegistryClientOptions extends Reached {
  /** Of `POST /api/login` or `POST /api/tokens`; asked for at each call, so that it may change. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
}

const positionHeader = 'gatebook-position';

const clientAt = ({ url, fetch }: Reached): RegistryClient =>
  createFetchClient<paths>({
    baseUrl: url.replace(/\/+$/, ''),
    ...(fetch !== undefined && { fetch }),
  });

/**
 * `GET`, `POST`, `PUT` and `DELETE` take a path of the API and what it takes, and resolve with `{ data }` or with
 * `{ error }`, a problem (RFC 9457) with its stable `code`. Rejects only where no answer came.
 */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const { token } = options;
  const client = clientAt(options);
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

/** The registry refused, or could not. */
export class RegistryProblem extends Error {
  override name = 'RegistryProblem';
  /** What happened, for programs; empty where something on the way answered, and not the registry. */
  readonly code: Problem['code'] | '';
  readonly status: number;
  readonly problem: Partial<Problem>;
  /** After this long it may be tried again; null: it says nothing. */
  readonly retryAfterMs: number | null;

  constructor(problem: Partial<Problem>, response: Response) {
    super(problem.detail ?? `The answer has the status ${response.status}.`);
    this.problem = problem;
    this.code = problem.code ?? '';
    this.status = response.status;
    const seconds = response.headers.get('retry-after');
    this.retryAfterMs = /^\d{1,9}$/.test(seconds ?? '') ? Number(seconds) * 1_000 : null;
  }
}

/** What a call resolves with. */
export interface RegistryAnswer<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response: Response;
}

/** The data of an answer; of one without a body, undefined. @throws RegistryProblem */
export function dataOf<Data>({ data, error, response }: RegistryAnswer<Data>): NonNullable<Data> {
  if (response.ok) return data as NonNullable<Data>;
  throw new RegistryProblem(typeof error === 'object' && error !== null ? error : {}, response);
}

/** Everything in a list, page by page, as it is asked for. @throws RegistryProblem */
export async function* itemsOf<Item>(
  page: (from: {
    readonly cursor?: string;
  }) => Promise<
    RegistryAnswer<{ readonly items: readonly Item[]; readonly nextCursor: string | null }>
  >,
): AsyncGenerator<Item, void, undefined> {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { items, nextCursor } = dataOf(await page(cursor === undefined ? {} : { cursor }));
    yield* items;
    cursor = nextCursor;
  }
}

/** Of a token's life so much is left when another one is got. */
const renewedBeforeMs = 60_000;

/** For `token`: signs in when it is first asked, and again before what it got ends. @throws RegistryProblem */
export function signedIn(
  options: Reached & { readonly username: string; readonly password: string },
): () => Promise<string> {
  const { username, password } = options;
  const client = clientAt(options);
  let token: Promise<string> | undefined;
  let renewAtMs = 0;
  const signIn = async (): Promise<string> => {
    const issued = dataOf(await client.POST('/api/login', { body: { username, password } }));
    renewAtMs = Date.parse(issued.expiresAt) - renewedBeforeMs;
    return issued.token;
  };
  return () => {
    if (token !== undefined && Date.now() < renewAtMs) return token;
    // Whoever asks meanwhile waits for the same.
    renewAtMs = Number.POSITIVE_INFINITY;
    token = signIn();
    token.catch(() => {
      renewAtMs = 0;
    });
    return token;
  };
}
