/** How a row is written in few characters: what is as usual is left out of its text, and is there again when it is read. */

/**
 * What each member usually is, told from the members before it where that depends on them; undefined: it is always
 * written. Whether a member is left out depends on the row alone, so that equal rows have equal texts.
 */
type Usual<Whole> = {
  readonly [Member in keyof Required<Whole>]:
    | Whole[Member]
    | undefined
    | ((before: Whole) => Whole[Member]);
};

interface Shortened<Whole> {
  /** An object of whoever asks, to which more may be added. */
  short(whole: Whole): Record<string, unknown>;
  whole(short: unknown): Whole;
}

/** Whether both have the same text as JSON. */
function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return false;
  if (Array.isArray(one) || Array.isArray(other)) return isSameList(one, other);
  const [names, others] = [Object.keys(one), Object.keys(other)];
  // Members may be undefined, which JSON leaves out.
  if (names.length !== others.length) return JSON.stringify(one) === JSON.stringify(other);
  return names.every(
    (name, at) => name === others[at] && isSame(one[name as never], other[name as never]),
  );
}

const isSameList = (one: unknown, other: unknown): boolean =>
  Array.isArray(one) &&
  Array.isArray(other) &&
  one.length === other.length &&
  one.every((item, at) => isSame(item, other[at]));

export function shortened<Whole extends object>(usual: Usual<Whole>): Shortened<Whole> {
  const members = Object.entries(usual) as [keyof Whole & string, unknown][];
  const usually = (value: unknown, whole: Whole): unknown =>
    typeof value === 'function' ? value(whole) : value;
  return {
    short(whole) {
      const written: Record<string, unknown> = {};
      for (const [name, value] of members) {
        const is = whole[name];
        if (is !== undefined && !isSame(is, usually(value, whole))) written[name] = is;
      }
      return written;
    },
    whole(short) {
      const written = short as Partial<Whole>;
      const whole: Partial<Whole> = {};
      for (const [name, value] of members) {
        const is = name in written ? written[name] : usually(value, whole as Whole);
        if (is !== undefined) whole[name] = is as Whole[typeof name];
      }
      return whole as Whole;
    },
  };
}
