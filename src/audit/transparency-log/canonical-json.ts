/** RFC 8785 (JSON Canonicalization Scheme): one JSON text for each value, so that it can be hashed. */

/** What JSON can hold; `undefined` in an object is left out, as `JSON.stringify` does. */
type Json = unknown;

/**
 * The canonical text. Numbers and strings are written as ECMAScript does (RFC 8785, 3.2.2), members are
 * sorted by UTF-16 code units (3.2.3).
 * @throws TypeError for what I-JSON cannot hold: NaN, Infinity, lone surrogates, values that are no JSON
 */
export function canonicalJson(value: Json): string {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw new TypeError('a lone surrogate has no canonical form');
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('only finite numbers have a canonical form');
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value)
        ? `[${value.map(canonicalJson).join(',')}]`
        : canonicalObject(value as Record<string, unknown>);
    default:
      throw new TypeError(`a ${typeof value} has no canonical form`);
  }
}

function canonicalObject(value: Readonly<Record<string, unknown>>): string {
  const members: string[] = [];
  // The default order of sort() is that of UTF-16 code units.
  for (const name of Object.keys(value).sort()) {
    const member = value[name];
    if (member !== undefined) members.push(`${canonicalJson(name)}:${canonicalJson(member)}`);
  }
  return `{${members.join(',')}}`;
}
