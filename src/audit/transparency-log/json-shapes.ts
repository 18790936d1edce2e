/** Objects with the same names in the same order, as the events of a log have them: sorted once for all of them. */
import { jsonShapesMax } from '../../limits/audit.ts';

interface JsonShape {
  readonly names: readonly string[];
  /** In canonical order: which of the members comes next, and what stands before its value, and before a text. */
  readonly places: readonly number[];
  readonly begins: readonly string[];
  readonly textBegins: readonly string[];
  /** The same with the quote that ends a text before it. */
  readonly beginsAfterText: readonly string[];
  readonly textBeginsAfterText: readonly string[];
}

/** What has more is kept by nobody, and sorted each time. */
const namesMax = 64;

/** By the first name. */
const shapes = new Map<string | undefined, JsonShape[]>();
let shapeCount = 0;

/** Undefined: there are too many of them, or names in it. @param canonical the text of a name; it throws where it has none */
export function shapeOf(
  names: readonly string[],
  canonical: (name: string) => string,
): JsonShape | undefined {
  const alike = shapes.get(names[0]);
  if (alike !== undefined) for (const shape of alike) if (isSame(shape.names, names)) return shape;
  if (shapeCount >= jsonShapesMax || names.length > namesMax) return undefined;
  const shape = newShape(names, canonical);
  shapes.set(names[0], [...(alike ?? []), shape]);
  shapeCount += 1;
  return shape;
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  if (some.length !== others.length) return false;
  for (let at = 0; at < some.length; at++) if (some[at] !== others[at]) return false;
  return true;
}

/** By UTF-16 code units, which is how texts compare. */
function newShape(names: readonly string[], canonical: (name: string) => string): JsonShape {
  const places = names.map((_, at) => at);
  places.sort((one, other) => ((names[one] as string) < (names[other] as string) ? -1 : 1));
  const begins = places.map(
    (place, at) => `${at === 0 ? '{' : ','}${canonical(names[place] as string)}:`,
  );
  const textBegins = begins.map((begin) => `${begin}"`);
  const afterText = (begin: string) => `"${begin}`;
  return {
    ...{ names, places, begins, textBegins },
    ...{ beginsAfterText: begins.map(afterText), textBeginsAfterText: textBegins.map(afterText) },
  };
}
