/** Text from outside, made safe to show: a terminal obeys control characters, a person does not see them. */

/**
 * Controls (C0, C1, DEL), formatting characters (bidirectional overrides, zero width), line separators
 * and lone surrogates; what tells a lie about what it stands beside.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

const escaped = (character: string): string => {
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\\t';
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
};

/** One line without anything that a terminal would obey. */
export const printable = (text: string): string => text.replace(unsafe, escaped);

/** The same for JSON text, whose meaning stays the same. */
export const printableJson = (json: string): string =>
  json.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );

/** The same for YAML in which such characters stand between double quotes alone. */
export const printableYaml = (yaml: string): string =>
  yaml.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
