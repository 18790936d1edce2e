/** Reads the body of a device that was written for another registry: JSON or a form, and what is unknown as its context. */
import { isUtf8 } from 'node:buffer';
import { bodyKeysMax, contextKeysMax, contextValueMax } from '../../limits/http.ts';
import { malformed } from '../response/problem.ts';
import { bodyJson } from './body.ts';
import { decoded, hasReservedKeys } from './parse.ts';

interface ReadLeniently {
  /** As the route's schema takes it, where it can be. */
  readonly body: unknown;
  /** Whether a strict door had refused it, whatever its fields. */
  readonly isForeign: boolean;
  /** How many unknown members found no place in the context. */
  readonly leftOutCount: number;
}

type Members = Readonly<Record<string, unknown>>;

/** The key of the context that says how many members are not shown. */
const leftOutKey = 'left out';
const contextKeyMax = 128;
const formType = /^application\/x-www-form-urlencoded\b/i;

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** By how it begins, else by what it is said to be: `curl -d` says of JSON that it is a form. */
const isForm = (text: string, type: string | undefined): boolean =>
  !/^\s*[{[]/.test(text) && (formType.test(type ?? '') || /^[^\s"=&]+=/.test(text));

/** @throws Problem `request-malformed` */
function formMembers(text: string): Members {
  const pairs = text.split('&', bodyKeysMax + 1).filter((pair) => pair !== '');
  if (pairs.length > bodyKeysMax)
    throw malformed([
      { pointer: '#', detail: `The body has too much in it: more than ${bodyKeysMax} fields.` },
    ]);
  const members = new Map<string, string>();
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals));
    const value = decoded(equals < 0 ? '' : pair.slice(equals + 1));
    if (name === undefined || value === undefined)
      throw malformed([{ pointer: '#', detail: 'The form must be percent-encoded UTF-8.' }]);
    if (members.has(name))
      throw malformed([
        { pointer: '#', detail: 'A field of the form stands twice: send it once.' },
      ]);
    members.set(name, value);
  }
  return Object.fromEntries(members);
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

const isText = (text: string, max: number): boolean =>
  text.length <= max && text.isWellFormed() && !text.includes('\0');

/** What fits, and how many did not; where any did not, one key says so. */
function contextOf(members: readonly (readonly [string, unknown])[]) {
  const texts = members.map(([name, value]) => [name, textOf(value)] as const);
  const fitting = texts.filter(
    ([name, text]) => name !== '' && isText(name, contextKeyMax) && isText(text, contextValueMax),
  );
  if (fitting.length === texts.length && fitting.length <= contextKeysMax)
    return { context: Object.fromEntries(fitting), leftOutCount: 0 };
  const shown = fitting.filter(([name]) => name !== leftOutKey).slice(0, contextKeysMax - 1);
  const leftOutCount = texts.length - shown.length;
  return {
    context: Object.fromEntries([...shown, [leftOutKey, String(leftOutCount)]]),
    leftOutCount,
  };
}

/**
 * @param known the members that the route knows; a `context` is kept, with texts of what is none
 * @throws Problem `request-malformed`
 */
export function readLeniently(
  bytes: Buffer | undefined,
  contentType: string | undefined,
  known: readonly string[],
): ReadLeniently {
  const text = bytes?.toString() ?? '';
  // What is no UTF-8 is told so by the other reader.
  const isFormBody = (bytes === undefined || isUtf8(bytes)) && isForm(text, contentType);
  const body: unknown = isFormBody ? formMembers(text) : bodyJson(bytes);
  const isOtherType = bytes !== undefined && !/^application\/json\b/i.test(contentType ?? '');
  // Names that reach behind an object are refused as everywhere.
  if (!isObject(body) || hasReservedKeys(body))
    return { body, isForeign: isOtherType, leftOutCount: 0 };
  const { context: own, ...members } = body;
  const unknown = Object.entries(members).filter(([name]) => !known.includes(name));
  const ownMembers = isObject(own)
    ? Object.entries(own)
    : own === undefined
      ? []
      : [['context', own] as const];
  const isOdd =
    ownMembers.some(([, value]) => typeof value !== 'string') ||
    (own !== undefined && !isObject(own));
  if (unknown.length === 0 && !isOdd) return { body, isForeign: isOtherType, leftOutCount: 0 };
  const { context, leftOutCount } = contextOf([...ownMembers, ...unknown]);
  const kept = Object.entries(members).filter(([name]) => known.includes(name));
  return { body: { ...Object.fromEntries(kept), context }, isForeign: true, leftOutCount };
}
