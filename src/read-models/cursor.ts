/** Cursors: a place in one list, as text that tells nothing and leads on in no other list. */

/** A cursor that no page of this list gave out. */
export class MalformedCursor extends Error {
  override name = 'MalformedCursor';
}

interface Cursors {
  /** The cursor that stands at a place of the list. */
  at(place: string): string;
  /** @throws MalformedCursor */
  place(cursor: string): string;
}

/** The cursors of the list of this name. How it is narrowed and turned round is none of their business. */
export function cursorsOf(list: string): Cursors {
  const mark = `${list}:`;
  const at = (place: string) => Buffer.from(mark + place).toString('base64url');
  return {
    at,
    place(cursor) {
      const text = Buffer.from(cursor, 'base64url').toString();
      const place = text.slice(mark.length);
      if (!text.startsWith(mark) || at(place) !== cursor)
        throw new MalformedCursor('the cursor is none of this list');
      return place;
    },
  };
}
