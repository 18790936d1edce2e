/** How a route is declared: once, for the router, for the API description and for its types. */
import { z } from 'zod';
import type { Fault, ProblemCode } from '../api/problems.ts';
import type { Caller } from '../authority.ts';
import type { ShownCertificate } from '../broker/ports/authenticator.ts';
import type { Cause } from '../commands/handle.ts';
import type { Making } from '../credentials/making.ts';
import type { Upload } from './request/body.ts';
import type { ProblemAnswer } from './response/problem.ts';
import type { ServedFile } from './response/static-file.ts';

/**
 * Who may: `open` anybody; `registration` the holder of a registration token or a client certificate, and `certificate`
 * of the latter alone, which the route checks itself; `signed-in` any active user; `permitted` who has the permission that the path names.
 */
type RouteAccess = 'open' | 'registration' | 'certificate' | 'signed-in' | 'permitted';

type CallerFor<A extends RouteAccess> = A extends 'signed-in' | 'permitted' ? Caller : null;

/** The request of a route: everything parsed, the caller known and allowed. */
export interface RouteRequest<P, Q, B, A extends RouteAccess> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The query as it came, for who hands it on. */
  readonly querystring: string;
  /** What a browser kept while its person was at the identity provider; null: nothing. */
  readonly signOn: string | null;
  /** As they came; what they may is asked of `authorize` and `seesPersonalData`. */
  readonly caller: CallerFor<A>;
  /** The file that was sent, as it came; empty where the route takes none. */
  readonly upload: Buffer;
  /** `Content-Type` as it was sent. */
  readonly contentType: string;
  /**
   * The caller as they stand now, where something is decided or sent.
   * @throws Refused `token-invalid`, `permission-missing`
   */
  readonly authorize: () => CallerFor<A>;
  /** Whether personal fields are opened for the caller as they stand now. */
  readonly seesPersonalData: () => boolean;
  /** The token of `Authorization: Bearer …`, or of the page's session; null: none. */
  readonly bearer: string | null;
  /** The certificate of this registry that came with the TLS connection; what it is worth now is the route's to ask. */
  readonly certificate: ShownCertificate | null;
  /** `Last-Event-ID` of a stream that goes on. */
  readonly lastEventId: string | null;
  /** The client's address; null where it is not known. */
  readonly source: string | null;
  /** Whether nobody on a network reads along: TLS ends here, or it is this machine asking itself. */
  readonly isConfidential: boolean;
  /** What all events of this request belong to. */
  readonly cause: Cause;
  /** What its ids and secrets are made by, where it was approved; absent: chance. */
  readonly making?: Making | undefined;
  /** `Prefer: wait=N` in milliseconds, cut to the limit; 0: do not wait. */
  readonly waitMs: number;
  /** Whether a page is wanted rather than JSON, by `Accept` (RFC 9110, 12.5.1). */
  readonly prefersHtml: boolean;
  /** Aborts when the client goes away, the service stops, or soon after the caller may no more. */
  readonly signal: AbortSignal;
  /** Of which the first alone: the client goes away. */
  readonly gone: () => AbortSignal;
  /** Checks the permission that the path names, where the route decides that it is needed. */
  readonly permit: () => void;
}

export interface RouteResponse {
  readonly status: number;
  readonly body?: unknown;
  /** Where `body` is text. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** `Gatebook-Position`: how far a read must be to see what this caused. */
  readonly position?: string;
  /** Instead of a body. */
  readonly file?: ServedFile;
  /** Instead of everything else: what is refused, as if it had been thrown. */
  readonly problem?: ProblemAnswer;
  /** Called once the answer went out whole. */
  readonly sent?: () => void;
  /** What the browser keeps until its person is back from the identity provider, or forgets (null). */
  readonly signOn?: string | null;
  /** The page's session: kept in a cookie until it ends, or forgotten (null). */
  readonly session?: { readonly token: string; readonly expiresAt: string } | null;
}

export interface DeclaredAnswer {
  readonly description: string;
  /** The shape of a JSON body; absent: no body, or one of `type`. */
  readonly body?: z.ZodType;
  /** Media types of text or bytes; beside `body`: as which else it is answered. */
  readonly type?: string | readonly string[];
  /** Headers of its own, and what they say; those of its kind are added by themselves. */
  readonly headers?: Readonly<Record<string, string>>;
}

export const Nothing = z.strictObject({});
type Nothing = typeof Nothing;

export interface Route<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
  A extends RouteAccess = RouteAccess,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Parameters in braces: `/api/users/{username}`. */
  readonly path: string;
  /** The noun it stands under in the API description. */
  readonly group: string;
  /** Its name for generated clients. */
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: A;
  /** Many ask it at once: answered before Koa's middleware. Its path has no parameters, its answers are JSON. */
  readonly hot?: true;
  /** Path parameters and query parameters as sent; true: the caller's own thing, no permission needed. */
  own?(request: {
    readonly params: Readonly<Record<string, string>>;
    readonly query: URLSearchParams;
    readonly caller: Caller;
  }): boolean;
  readonly params?: P;
  readonly query?: Q;
  /** Its query is handed on as it came, and judged there: of what is declared nothing is checked. */
  readonly handsQueryOn?: true;
  readonly body?: B;
  /** Absent: it takes JSON, or nothing. */
  readonly upload?: Upload;
  /** Where it is on, a body of any type is made of what came. */
  readonly leniently?: {
    isOn(): boolean;
    /** @throws Problem `request-malformed` */
    read(bytes: Buffer | undefined, contentType: string | undefined): unknown;
  };
  /** Faults that no schema knows (a policy, the clock), of the body as it was sent. */
  faults?(body: unknown): readonly Fault[];
  readonly answers: Readonly<Record<number, DeclaredAnswer>>;
  /** `Prefer: wait=N` holds its answer back until something is decided. */
  readonly waits?: true;
  /** How problems are told; absent: as documents. */
  readonly tells?: 'text';
  /** Codes of its own; those that every route of its kind has are added by themselves. */
  readonly problems?: readonly ProblemCode[];
  handle(
    request: RouteRequest<z.output<P>, z.output<Q>, z.output<B>, A>,
  ): Promise<RouteResponse> | RouteResponse;
}

/** Declares a route; what it leaves out takes nothing. */
export const route = <
  A extends RouteAccess,
  P extends z.ZodType = Nothing,
  Q extends z.ZodType = Nothing,
  B extends z.ZodType = Nothing,
>(
  declared: Route<P, Q, B, A>,
): Route => declared as unknown as Route;

const etag = { ETag: 'Which version it is: send it as `If-None-Match`.' };

/** Of a file, which who has it already is not sent again. */
export const fileAnswers = (
  description: string,
  type: string | readonly string[],
): Route['answers'] => ({
  200: { description, type, headers: etag },
  304: { description: 'The version that `If-None-Match` names is this one.', headers: etag },
});

export const ok = (body: unknown): RouteResponse => ({ status: 200, body });

/** The answer to a command: the thing as it now is. */
export const done = (
  { position }: { readonly position: string },
  body: unknown,
): RouteResponse => ({
  status: 200,
  body,
  position,
});

export const created = (
  { position }: { readonly position: string },
  location: string,
  body: unknown,
): RouteResponse => ({ status: 201, body, position, headers: { Location: location } });

export const removed = ({ position }: { readonly position: string }): RouteResponse => ({
  status: 204,
  position,
});

/** The names in braces of a path. */
export const parametersOf = (path: string): string[] =>
  [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name);

/**
 * Seconds of `Prefer: wait=N` (RFC 7240, section 4.3); 0 for none and for what is not well formed, since
 * a preference that is not understood is ignored (section 2).
 */
export function preferredWaitSeconds(prefer: string | undefined): number {
  if (prefer === undefined) return 0;
  const [, seconds] = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(prefer) ?? [];
  return Number(seconds ?? 0);
}
