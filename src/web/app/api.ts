/** Calls to the registry: the session is a cookie, faults are problems in words, the clock is the server's. */

import { deedWords, missingWords } from '../../../domain/approvals/proposal-words.ts';
import { type CompiledPermissions, compiled, mayCall } from '../../../domain/matching.ts';
import type { Permission } from '../../../domain/permission.ts';
import type { Proposal, Self } from '../../api/output.ts';

export interface PageOf<Item> {
  readonly items: Item[];
  readonly nextCursor: string | null;
}

/** What a call that failed says of itself. `unreachable`: no answer came. */
export class PageFault extends Error {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly {
    readonly pointer?: string;
    readonly parameter?: string;
    readonly detail: string;
  }[];
  readonly required: Permission | null;
  /** Seconds until it is worth another try; null: it is not. */
  readonly retryAfterSeconds: number | null;

  constructor(status: number, problem: Record<string, unknown>, retryAfter: string | null) {
    super(String(problem.code ?? 'unreachable'));
    this.code = this.message;
    this.status = status;
    this.detail = String(problem.detail ?? '');
    this.errors = (problem.errors as PageFault['errors'] | undefined) ?? [];
    this.required = (problem.required as Permission | undefined) ?? null;
    this.retryAfterSeconds = status === 503 ? Number(retryAfter ?? 5) : null;
  }
}

export const asFault = (error: unknown): PageFault =>
  error instanceof PageFault
    ? error
    : new PageFault(0, { code: 'page-fault', detail: `This page failed: ${String(error)}` }, null);

let clockOffsetMs = 0;
/** Milliseconds since 1970 by the server's clock, so that a wrong one here does no harm. */
export const nowMs = (): number => Date.now() + clockOffsetMs;

/** Reads the server's clock, which tells whole seconds: half of one is the least wrong. */
function readClock(response: Response, startedMs: number): void {
  const date = Date.parse(response.headers.get('date') ?? '');
  if (Number.isNaN(date)) return;
  const offset = date + 500 - (startedMs + Date.now()) / 2;
  if (Math.abs(offset - clockOffsetMs) > 1_500)
    clockOffsetMs = Math.abs(offset) < 1_500 ? 0 : offset;
}

export const pageHeaders = { 'Gatebook-Page': '1' };
let onSessionOver: () => void = () => undefined;
export const whenSessionIsOver = (listener: () => void): void => {
  onSessionOver = listener;
};
export const sessionIsOver = (): void => onSessionOver();

/** @param body JSON, or a file. @throws Fault */
export async function call<Answer>(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<Answer> {
  const startedMs = Date.now();
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        ...pageHeaders,
        ...(body === undefined
          ? {}
          : { 'Content-Type': body instanceof Blob ? body.type : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: body instanceof Blob ? body : JSON.stringify(body) }),
    });
  } catch {
    throw new PageFault(
      0,
      { detail: 'The registry cannot be reached. Check the network and try again.' },
      null,
    );
  }
  readClock(response, startedMs);
  const text = await response.text();
  const json = text === '' ? undefined : parsed(text);
  if (response.status === 202 && isProposal(json)) throw waitsFault(json);
  if (response.ok) return json as Answer;
  if (response.status === 401 && path !== '/page/session') onSessionOver();
  throw new PageFault(
    response.status,
    (json ?? {}) as Record<string, unknown>,
    response.headers.get('retry-after'),
  );
}

/** `code` of a fault that is none: the command waits for several people. */
export const waitsCode = 'waits-for-approval';

const isProposal = (json: unknown): json is Proposal =>
  typeof json === 'object' && json !== null && 'proposalId' in json && 'hash' in json;

const waitsFault = (proposal: Proposal): PageFault =>
  new PageFault(
    202,
    {
      code: waitsCode,
      detail: `Not done yet, it needs ${proposal.needed} people: ${deedWords(proposal)}. ${missingWords(proposal)} It is under Approvals.`,
    },
    null,
  );

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {
      code: 'not-json',
      detail: 'Something between here and the registry answered instead of it.',
    };
  }
}

export const get = <Answer>(path: string): Promise<Answer> => call<Answer>('GET', path);
export const post = <Answer>(path: string, body: unknown = {}): Promise<Answer> =>
  call<Answer>('POST', path, body);

/** All pages of a list, up to a number of items that is still useful to have here. */
export async function getAll<Item>(path: string, most: number): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const query: string = `${path.includes('?') ? '&' : '?'}limit=1000${cursor === null ? '' : `&cursor=${cursor}`}`;
    const page: PageOf<Item> = await get<PageOf<Item>>(path + query);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null && items.length < most);
  return items;
}

let rights: CompiledPermissions = compiled([]);
export const holdRights = (me: Self | null): void => {
  rights = compiled(me?.effectivePermissions ?? []);
};
/** Whether whoever is signed in may do this; the server decides all the same. */
export const may = (operation: 'read' | 'write', path: string): boolean =>
  mayCall(rights, path.split('/'), operation);

/** The signed report of a window, as a document; null: there is none, or it is not for whoever is signed in. */
export function reportPath(windowId: string | null): string | null {
  const path = `/api/audit/windows/${windowId}/report`;
  return windowId !== null && may('read', path) ? path : null;
}

/** A fault as a person reads it: what happened, what it means, what to do. */
export function faultWords(fault: PageFault): string {
  if (fault.code === 'permission-missing' && fault.required !== null)
    return `You may not do this. That needs ${fault.required.operation} on ${fault.required.resource}; an administrator can give it.`;
  if (fault.code === 'rights-exceed-own')
    return `You cannot give rights that you do not have. ${fault.detail}`;
  if (fault.code === 'store-unavailable')
    return 'Nothing was changed: the log cannot be written now.';
  if (fault.code === 'login-throttled')
    return 'Too many tries for this name. Wait a minute, then try again.';
  if (fault.code === 'credentials-invalid')
    return 'This name and password do not fit together, or may not sign in. Check both.';
  const places = fault.errors.map(({ detail }) => detail).join(' ');
  return places === '' ? fault.detail : places;
}
