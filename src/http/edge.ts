/** What the HTTP side needs of the service around it, and what it knows of each request. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ShownCertificate } from '../broker/ports/authenticator.ts';
import type { Cause } from '../commands/handle.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import type { Callers } from './request/caller.ts';
import type { SourceOf } from './request/client-address.ts';

/** What the application needs from the service around it. */
export interface Edge extends Callers {
  /** How far this node's read models are, opaque. */
  readonly position: () => string;
  /** Resolves with whether the read models got as far within so many milliseconds. */
  readonly reached: (position: string, timeoutMs: number) => Promise<boolean>;
  readonly sourceOf: SourceOf;
  /** The certificate of this registry whose key the client proved on TLS that ends here; null: none. */
  readonly certificateOf: (request: IncomingMessage) => ShownCertificate | null;
  /** Told where each command of somebody who is signed in comes from. */
  readonly commandFrom?: (correlationId: string, source: string | null) => void;
  /** Told which trace a request belongs to that may change something. */
  readonly tracedAs?: (correlationId: string, traceId: string) => void;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** A new random UUID. */
  readonly newId: () => string;
  /** Whether people come by HTTPS, as the public URL says, to a proxy that ends it. */
  readonly behindHttps: boolean;
  /** Whether browsers are told to come by HTTPS alone: a promise that outlives a certificate of the own CA. */
  readonly strictTransport: boolean;
  /** The answer to a command that waits for several people, or who may go on with one that happens at once. */
  readonly proposing?: typeof import('./approvals/proposing.ts').proposing extends (
    app: never,
    ...rest: infer Rest
  ) => infer Answer
    ? (...rest: Rest) => Answer
    : never;
  /** Aborts when the service stops: what runs may end, what is new is refused. */
  readonly stopping: AbortSignal;
  /** Milliseconds that a body may take; default: the limit. */
  readonly bodyTimeoutMs?: number;
  /** Malformed requests a minute to one route from one source; default: the limit. */
  readonly malformedPerMinute?: number;
}

export interface RequestState extends Cause {
  /** Of the sender's own, 32 hex digits; undefined: it says none. */
  readonly traceId: string | undefined;
  readonly source: string | null;
  /** Whether the browser of who asks speaks TLS. */
  readonly isSecure: boolean;
  /** The path of the route as declared, for metrics; never the path as sent. */
  route: string;
}

/** A request on its way to its answer; a Koa context is one. */
export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly querystring: string;
  readonly host: string;
  readonly params: Readonly<Record<string, string>>;
  readonly state: RequestState;
  /** The best of these types by `Accept`; false: none of them. */
  accepts(...types: string[]): string | false | string[];
}

/** What must hold of every request before anything of it is looked at. @throws Problem */
export type Guard = (request: IncomingMessage) => void;
