/**
 * RFC 8785 of what was parsed from a text: where no string of it needs an escape, as in nearly every event, in a third of
 * the time. It is written as if none did, and has the length of the text only where that is so.
 */
import { canonicalJson } from './canonical-json.ts';
import { shapeOf } from './json-shapes.ts';

/** The canonical text of `value`, which is what `JSON.parse` made of `text`. @throws TypeError as `canonicalJson` */
export function canonicalOf(value: unknown, text: string): string {
  const canonical = unescaped(value);
  // A text is as long as this only where each string in it stands as it is: an escape is longer than what it stands for.
  return canonical?.length === text.length ? canonical : canonicalJson(value);
}

/** A whole number that no text says in fewer characters: 1000 is 1e3 too. */
const isShort = (value: number): boolean => Number.isInteger(value) && value >= 0 && value < 100;

/** As if no string needed an escape; undefined: it has another form. */
function unescaped(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return `"${value}"`;
    case 'number':
      return isShort(value) ? `${value}` : undefined;
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      if (value === null) return 'null';
      return Array.isArray(value) ? unescapedList(value) : unescapedObject(value as object);
  }
}

function unescapedList(items: readonly unknown[]): string | undefined {
  let text = '[';
  for (const item of items) {
    const written = unescaped(item);
    if (written === undefined) return undefined;
    if (text !== '[') text += ',';
    text += written;
  }
  return `${text}]`;
}

function unescapedObject(value: object): string | undefined {
  const shape = shapeOf(Object.keys(value), canonicalJson);
  if (shape === undefined) return undefined;
  const { places, begins, textBegins, beginsAfterText, textBeginsAfterText } = shape;
  const members = Object.values(value);
  let text = places.length === 0 ? '{' : '';
  let isAfterText = false;
  // Counted, and of few and long pieces, which SHA-256 wants as one: this is done for each event of a log.
  for (let at = 0; at < places.length; at++) {
    const member = members[places[at] as number];
    if (typeof member === 'string') {
      text += (isAfterText ? textBeginsAfterText : textBegins)[at];
      text += member;
      isAfterText = true;
    } else {
      const written = unescaped(member);
      if (written === undefined) return undefined;
      text += (isAfterText ? beginsAfterText : begins)[at];
      text += written;
      isAfterText = false;
    }
  }
  return isAfterText ? `${text}"}` : `${text}}`;
}
