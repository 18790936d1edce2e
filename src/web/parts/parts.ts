/** Small parts that every view is made of. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Permission } from '../../../domain/permission.ts';
import type { User } from '../../api/output.ts';
import { asFault, faultWords, nowMs, type PageFault, waitsCode } from '../app/api.ts';
import { type Children, html, Icon, type View } from '../app/html.ts';
import { useNow, useStore } from '../app/store.ts';
import {
  clockTime,
  dateTime,
  exactTime,
  operationWords,
  pairingGroups,
  pairingSpelled,
  relativeTime,
} from '../app/words.ts';

/** A time as it reads best; the exact one is its title. `ago` ends a relative one. */
export function Time({
  at,
  ago = false,
  clock = false,
}: {
  at: string;
  ago?: boolean;
  clock?: boolean;
}): View {
  const { exactTimes } = useStore();
  const now = useNow();
  const relative = relativeTime(at, now);
  const isRelative = /^\d+ (s|min|h)$/.test(relative);
  const text = exactTimes
    ? exactTime(at)
    : clock
      ? clockTime(at)
      : isRelative && ago
        ? `${relative} ago`
        : relative;
  return html`<time datetime=${at} title=${exactTime(at)}>${text}</time>`;
}

/** The day and the second: for histories. */
export const Stamp = ({ at }: { at: string }): View =>
  html`<time datetime=${at} title=${exactTime(at)}>${dateTime(at, nowMs())}:${clockTime(at).slice(6)}</time>`;

export const Pairing = ({ id, size }: { id: string; size?: string }): View => html`
  <span class="pairing" data-size=${size}>
    <span aria-hidden="true">${pairingGroups(id)}</span><span class="sr">Pairing ID ${pairingSpelled(id)}</span>
  </span>`;

const shortTextMax = 200;

/** Text of somebody else's: plain, set apart from what stands around it, at most three lines at first. */
export function Said({ text }: { text: string }): View {
  const [all, showAll] = useState(false);
  const long = text.length > shortTextMax || text.split('\n').length > 3;
  return html`<bdi class="said" data-short=${long && !all ? '' : undefined}>${text}</bdi>${
    long &&
    html` <button type="button" class="link small" aria-expanded=${all} onClick=${() => showAll(!all)}>${
      all ? 'Show less' : 'Show all'
    }</button>`
  }`;
}

export const Name = ({ children }: { children?: Children }): View =>
  html`<bdi class="name">${children}</bdi>`;

const toned =
  (kind: 'badge' | 'tone') =>
  ({ tone, icon, children }: { tone?: string; icon?: string; children?: Children }): View =>
    html`<span class=${kind} data-tone=${tone}>${icon && html`<${Icon} name=${icon} />`}${children}</span>`;
export const Badge = toned('badge');
export const Tone = toned('tone');

export const Notice = ({
  tone,
  icon = 'alert',
  role,
  children,
}: {
  tone: string;
  icon?: string;
  role?: string;
  children?: Children;
}): View => html`
  <p class="notice" data-tone=${tone} role=${role}><${Icon} name=${icon} /><span>${children}</span></p>`;

const statuses: Readonly<
  Record<User['status'], readonly [word: string, tone: string, icon: string]>
> = {
  active: ['Active', 'good', 'check'],
  suspended: ['Suspended', 'wait', 'pause'],
  pending: ['Waiting', 'wait', 'clock'],
  denied: ['Denied', '', 'cross'],
  revoked: ['Revoked', 'bad', 'cross'],
  expired: ['Ended', '', 'clock'],
  unknown: ['Unknown', '', 'more'],
};
export function Status({ status }: { status: User['status'] }): View {
  const [word, tone, icon] = statuses[status];
  return html`<${Badge} tone=${tone} icon=${icon}>${word}<//>`;
}

export function Field({
  id,
  label,
  hint,
  fault,
  children,
}: {
  id: string;
  label: string;
  hint?: Children;
  fault?: string | undefined;
  children?: Children;
}): View {
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${children}
    ${hint !== undefined && html`<p id="${id}-h">${hint}</p>`}
    ${fault !== undefined && html`<p id="${id}-f" role="alert">${fault}</p>`}
  </div>`;
}

/** `Publish plant/press-17/#`, the client's name marked. */
export function TopicLine({
  permission,
  from,
  mark,
}: {
  permission: Permission;
  from?: string;
  mark?: string;
}): View {
  const { operation, context, resource } = permission;
  const icon = operation === 'read' ? 'down' : operation === 'write' ? 'up' : 'swap';
  return html`<li>
    <${Tone} icon=${icon}>${operationWords(operation, context)}<//>
    <code><bdi>${marked(resource, mark)}</bdi></code>
    ${from !== undefined ? html`<span class="soft">${from}</span>` : html`<span></span>`}
  </li>`;
}

function marked(text: string, mark: string | undefined): unknown {
  const at = mark === undefined || mark === '' ? -1 : text.indexOf(mark);
  if (at < 0 || mark === undefined) return text;
  return [text.slice(0, at), html`<mark>${mark}</mark>`, text.slice(at + mark.length)];
}

interface RunningCommand {
  readonly busy: boolean;
  readonly fault: PageFault | null;
  /** Runs; what failed because the service could not is tried again by itself. */
  run(work: () => Promise<void>): void;
  clear(): void;
  /** What is wrong with a field of the body, or a parameter of the path. */
  faultOf(field: string): string | undefined;
}

/** One command at a time, its fault in words, tried again after `Retry-After` where the service asks for it. */
export function useCommand(): RunningCommand & { retryAtMs: number | null } {
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<PageFault | null>(null);
  const [retryAtMs, setRetryAtMs] = useState<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const run = (work: () => Promise<void>): void => {
    clearTimeout(timer.current);
    setBusy(true);
    setRetryAtMs(null);
    work().then(
      () => {
        setBusy(false);
        setFault(null);
      },
      (error: unknown) => {
        const found = asFault(error);
        // What waits for others is not sent a second time.
        setBusy(found.code === waitsCode);
        setFault(found);
        if (found.retryAfterSeconds === null) return;
        const waitMs = found.retryAfterSeconds * 1_000;
        setRetryAtMs(nowMs() + waitMs);
        timer.current = setTimeout(() => run(work), waitMs);
      },
    );
  };
  return {
    busy,
    fault,
    retryAtMs,
    run,
    faultOf: (field) =>
      fault?.errors.find(
        ({ pointer, parameter }) => pointer?.startsWith(`#/${field}`) || parameter === field,
      )?.detail,
    clear: () => {
      clearTimeout(timer.current);
      setFault(null);
      setRetryAtMs(null);
    },
  };
}

/** In a long dialog it stands below what is seen. */
const intoView = (element: Element | null): void => element?.scrollIntoView({ block: 'nearest' });

export function FaultNotice({ command }: { command: ReturnType<typeof useCommand> }): View | null {
  const now = useNow();
  const { fault, retryAtMs } = command;
  if (fault === null || fault.status === 401) return null;
  const seconds = retryAtMs === null ? null : Math.max(0, Math.ceil((retryAtMs - now) / 1_000));
  if (fault.code === waitsCode)
    return html`<div ref=${intoView}><${Notice} tone="wait" icon="clock" role="alert">${faultWords(fault)}<//></div>`;
  return html`<${Notice} tone="bad" role="alert">${faultWords(fault)}${
    seconds !== null && html` <span aria-hidden="true">Trying again in ${seconds} s.</span>`
  }<//>`;
}

/** Reads something when a key changes; keeps what it had while it reads again. */
export function useRead<T>(
  key: string,
  read: () => Promise<T>,
): { value: T | null; fault: PageFault | null; again: () => void } {
  const [found, setFound] = useState<{ key: string; value: T } | null>(null);
  const [fault, setFault] = useState<PageFault | null>(null);
  const [count, setCount] = useState(0);
  useEffect(() => {
    let gone = false;
    read().then(
      (value) => {
        if (gone) return;
        setFound({ key, value });
        setFault(null);
      },
      (error: unknown) => {
        if (!gone) setFault(asFault(error));
      },
    );
    return () => {
      gone = true;
    };
  }, [key, count]);
  return { value: found?.value ?? null, fault, again: () => setCount((before) => before + 1) };
}

export const ReadFault = ({
  fault,
  again,
}: {
  fault: PageFault | null;
  again: () => void;
}): View | null =>
  fault === null || fault.status === 401
    ? null
    : html`<${Notice} tone="bad" role="alert">${faultWords(fault)} <button type="button" class="link" onClick=${again}>Try again</button><//>`;

/** That a key is others', too: one hand with several names, or a key that went round. */
export const SameKey = ({ names }: { names: readonly string[] | undefined }): View | null =>
  names === undefined
    ? null
    : html`<p class="small"><${Tone} tone="bad" icon="alert">Same key<//> as ${names.map((name, at) => html`${at === 0 ? '' : ', '}<a href=${`#/clients/${encodeURIComponent(name)}`}><${Name}>${name}<//></a>`)}</p>`;
