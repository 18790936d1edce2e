/** How large the JSON of a body is, told from its bytes: before it is parsed, which takes far longer. */
import { bodyDepthMax, bodyItemsMax, bodyKeysMax, bodyValuesMax } from '../../limits/http.ts';

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [objectOpens, objectCloses, listOpens, listCloses] = [0x7b, 0x7d, 0x5b, 0x5d];

const tooMany = (isList: boolean): string =>
  isList
    ? `The body has too much in it: one list has more than ${bodyItemsMax} items.`
    : `The body has too much in it: one object has more than ${bodyKeysMax} keys.`;

/** Where the text that begins at `at` ends; behind the end where it does not. */
function endOfText(bytes: Uint8Array, at: number): number {
  let end = at + 1;
  while (end < bytes.length && bytes[end] !== quote) end += bytes[end] === backslash ? 2 : 1;
  return end;
}

/**
 * What is too large in it, as a sentence; undefined: nothing. Whether it is JSON at all is not asked. Looks at
 * no byte twice, and stops at the first excess.
 */
export function jsonExcess(bytes: Uint8Array): string | undefined {
  const open: { readonly isList: boolean; count: number }[] = [];
  let values = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) at = endOfText(bytes, at);
    else if (byte === objectOpens || byte === listOpens) {
      if (open.length === bodyDepthMax)
        return `The body nests more than ${bodyDepthMax} levels deep: flatten it.`;
      open.push({ isList: byte === listOpens, count: 1 });
      values++;
    } else if (byte === objectCloses || byte === listCloses) open.pop();
    else if (byte === comma) {
      const container = open.at(-1);
      if (container === undefined) continue;
      container.count++;
      values++;
      if (container.count > (container.isList ? bodyItemsMax : bodyKeysMax))
        return tooMany(container.isList);
    }
    if (values > bodyValuesMax)
      return `The body has too much in it: more than ${bodyValuesMax} values.`;
  }
  return undefined;
}
