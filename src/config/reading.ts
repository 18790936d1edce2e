/** Reads environment variables, and the files that `*_FILE` variables name. */
import { readFileSync, statSync } from 'node:fs';
import { valueFileBytesMax } from '../limits/operating.ts';
import { nearestWord } from '../platform/did-you-mean.ts';
import type { ConfigFault } from './fault.ts';
import { commandLineNames, prefix, type Variable, variables } from './variables.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process. Nothing else reads `process.env`. */
export const processEnvironment = (): Environment => ({ ...process.env });

/** A variable's value, or what it stands for when it is not set; undefined: neither. Adds to `faults`. */
export function readVariable<Value>(
  environment: Environment,
  name: string,
  { schema, fallback, expected, more }: Variable<Value>,
  faults: ConfigFault[],
): Value | undefined {
  const given = readText(environment, name, faults);
  const text = given?.text ?? fallback;
  if (text === null) return undefined;
  const result = schema.safeParse(text);
  if (result.success) return result.data;
  const mismatch =
    more.secret || given?.isFile ? 'has a value that does not fit' : `is ${quoted(text)}`;
  faults.push({
    variable: `${prefix}${name}${given?.isFile ? '_FILE' : ''}`,
    problem: mismatch,
    remedy: `Give ${expected}`,
  });
  return undefined;
}

/** A variable's text, from itself or from its file; empty is not set. Adds to `faults`. */
export function readText(environment: Environment, name: string, faults: ConfigFault[]) {
  const own = environment[`${prefix}${name}`] ?? '';
  const path = environment[`${prefix}${name}_FILE`] ?? '';
  if (path === '') return own === '' ? null : { text: own, isFile: false };
  const variable = `${prefix}${name}_FILE`;
  if (own !== '') {
    const problem = `is set beside ${prefix}${name}`;
    faults.push({ variable, problem, remedy: 'Keep one of the two' });
    return null;
  }
  try {
    if (statSync(path).size > valueFileBytesMax)
      throw Object.assign(new Error(), { code: 'EFBIG' });
    return { text: readFileSync(path, 'utf8').replace(/\r?\n$/, ''), isFile: true };
  } catch (error) {
    const { code = 'unreadable' } = error as { code?: string };
    const problem = `names a file that cannot be read (${code})`;
    const remedy =
      'Name a file of at most 64 KiB that the service may read, or remove the variable';
    faults.push({ variable, problem, remedy });
    return null;
  }
}

/** Variables with our prefix that mean nothing: most are misspelt. */
export function unknownVariables(environment: Environment): ConfigFault[] {
  const known = [...Object.keys(variables), ...commandLineNames].flatMap((name) => [
    name,
    `${name}_FILE`,
  ]);
  const unknown = Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && environment[name])
    .map((name) => name.slice(prefix.length))
    .filter((name) => !known.includes(name));
  return unknown.map((name) => {
    const meant = nearestWord(name, known);
    return {
      variable: quoted(prefix + name).slice(1, -1),
      problem: 'is not known',
      remedy: `${meant === null ? 'Remove it' : `Did you mean ${prefix}${meant}?`} (gatebook serve --help lists all)`,
    };
  });
}

/** Quotes a value for a message: short, and nothing in it that a terminal would obey. */
const quoted = (text: string) =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text).replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    '?',
  );
