/** Log lines: one JSON object a line on stdout, readable lines where stdout is a terminal. */
import { logDepthMax, logItemsMax, logTextMax } from './limits/notifications.ts';
import { printable, printableJson } from './platform/printable.ts';

const levels = { debug: 10, info: 20, warn: 30, error: 40 };
export type LogLevel = keyof typeof levels;

type LogFields = Readonly<Record<string, unknown>>;
/** Never throws, whatever the fields hold; those that cost something are made only for a line that is written. */
type LogLine = (msg: string, fields?: LogFields | (() => LogFields)) => void;
export interface Logger {
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
}

/**
 * Makes a logger. The message `ready` is written at every level and always as JSON, because a supervisor
 * waits for it.
 */
export function createLogger(options: {
  level: LogLevel;
  write?: (line: string) => void;
  /** Readable lines; default: whether stdout is a terminal. */
  pretty?: boolean;
  now?: () => Date;
}): Logger {
  const write = options.write ?? ((line: string) => process.stdout.write(line));
  const pretty = options.pretty ?? process.stdout.isTTY === true;
  const now = options.now ?? (() => new Date());
  const line =
    (level: LogLevel): LogLine =>
    (msg, fields = {}) => {
      if (levels[level] < levels[options.level] && msg !== 'ready') return;
      const at = now();
      const safe = plain(typeof fields === 'function' ? fields() : fields, 0) as LogFields;
      // A field never takes the place of what every line has.
      const { time: _time, level: _level, msg: _msg, ...rest } = safe;
      write(
        pretty && msg !== 'ready'
          ? `${readable(at, level, scrubbed(msg), rest)}\n`
          : `${printableJson(JSON.stringify({ time: at.toISOString(), level, msg: scrubbed(msg), ...rest }))}\n`,
      );
    };
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}

/** Nobody logs a secret on purpose; this is for the error message that quotes one. */
const secretPatterns: readonly [pattern: RegExp, put: string][] = [
  [/\bv4\.(public|local)\.[\w.-]+/g, 'v4.$1.[secret]'],
  [/\bgbs_[\w-]+/g, 'gbs_[secret]'],
  [/\bk4\.(secret|local)\.[\w-]+/g, 'k4.$1.[secret]'],
  [/:\/\/[^\s/@]*@/g, '://[secret]@'],
  [/\b(Bearer|Basic) +[\w.~+/=-]+/gi, '$1 [secret]'],
  [/\$argon2[^\s"']+/g, '$argon2[secret]'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, '[secret]'],
];
const secretName =
  /(password|passphrase|secret|token|verifier|authorization|cookie|pepper|privatekey)$/i;

function scrubbed(text: string): string {
  const cut = text.length > logTextMax ? `${text.slice(0, logTextMax)}…` : text;
  return secretPatterns.reduce((result, [pattern, put]) => result.replace(pattern, put), cut);
}

/** A value as JSON can hold it, bounded and without secrets. */
function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return scrubbed(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object') return value === undefined ? undefined : `[${typeof value}]`;
  if (depth >= logDepthMax) return '[…]';
  try {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
    if (value instanceof Error) return plainError(value, depth);
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value))
      return value.slice(0, logItemsMax).map((item) => plain(item, depth + 1) ?? null);
    const entries = Object.entries(value).slice(0, logItemsMax);
    return Object.fromEntries(
      entries.map(([name, item]) => [
        name,
        secretName.test(name) && item !== null ? '[secret]' : plain(item, depth + 1),
      ]),
    );
  } catch {
    return '[unreadable]';
  }
}

function plainError(error: Error, depth: number) {
  const { code } = error as { code?: unknown };
  return {
    name: scrubbed(String(error.name)),
    message: scrubbed(String(error.message)),
    ...(typeof code === 'string' && { code }),
    stack: scrubbed(String(error.stack ?? '')),
    ...(error.cause !== undefined && { cause: plain(error.cause, depth + 1) }),
    ...(error instanceof AggregateError && { errors: plain(error.errors, depth + 1) }),
  };
}

/** One line for people; below it the stacks of errors, indented. */
function readable(at: Date, level: LogLevel, msg: string, fields: LogFields): string {
  const pad = (part: number) => String(part).padStart(2, '0');
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(pad).join(':');
  const stacks: string[] = [];
  const fieldTexts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const { name: kind, message, stack } = (value ?? {}) as Record<string, unknown>;
      const isError = typeof stack === 'string';
      if (isError)
        stacks.push(...stack.split('\n').map((frame) => `    ${printable(frame.trim())}`));
      const text = isError ? `${kind}: ${message}` : value;
      const isWord = typeof text === 'string' && /^[^\s"=]+$/.test(text);
      return `${printable(name)}=${printable(isWord ? text : JSON.stringify(text))}`;
    });
  return [[time, level.padEnd(5), printable(msg), ...fieldTexts].join('  '), ...stacks].join('\n');
}
