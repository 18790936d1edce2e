/** How the values of the configuration are read: ports, durations, addresses, secrets. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { estRetryAfterMaxSeconds } from '../limits/http.ts';
import { defaultPasswordPolicy, passwordFaults } from './password-policy.ts';

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const durationMaxMs = 36_500 * unitMs.d;

/** Reads `500ms`, `90s`, `5m`, `24h`, `30d` as milliseconds, from 1 ms to 100 years; else null. */
export function parseDuration(text: string): number | null {
  const [, digits, unit] = /^(\d{1,15})(ms|s|m|h|d)$/.exec(text) ?? [];
  if (digits === undefined) return null;
  const durationMs = Number(digits) * unitMs[unit as keyof typeof unitMs];
  return durationMs >= 1 && durationMs <= durationMaxMs ? durationMs : null;
}

const matching = (fits: (text: string) => boolean) => z.string().refine(fits);

/** A list: items between commas or white space. */
export const listOf = <Item>(item: z.ZodType<Item, string>, max: number) =>
  z
    .string()
    .transform((text) => text.split(/[\s,]+/).filter((part) => part !== ''))
    .pipe(z.array(item).min(1).max(max));

export const numberFrom = (min: number, max: number) =>
  matching(
    (text) => /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max,
  ).transform(Number);

export const PortOrOff = z.union([z.literal('off').transform(() => null), numberFrom(0, 65_535)]);

/** What opens at the MQTT listeners with TLS: a certificate or a password, a certificate, or a certificate and a password. */
export const ClientAuth = z.enum(['either', 'certificate', 'both']);
export type ClientAuth = z.infer<typeof ClientAuth>;

const hostname = /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/;
export const Host = matching((text) => isIP(text) !== 0 || hostname.test(text));

export const Duration = z.string().transform((text, context) => {
  const durationMs = parseDuration(text);
  if (durationMs === null) context.addIssue('is not a duration');
  return durationMs ?? z.NEVER;
});

/** In milliseconds; told in whole seconds (RFC 9110, section 10.2.3). */
export const EstRetryAfter = Duration.refine(
  (durationMs) => durationMs % 1_000 === 0 && durationMs <= estRetryAfterMaxSeconds * 1_000,
);

export const DurationOrOff = z.union([z.literal('off').transform(() => null), Duration]);

const unitBytes = { KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** Bytes, by thousands: `100MB`. */
export const SizeOrOff = z.string().transform((text, context) => {
  if (text === 'off') return 0;
  const [, digits, unit] = /^(\d{1,6})([KMGT]B)$/.exec(text) ?? [];
  if (digits === undefined) context.addIssue('is not a size');
  return digits === undefined
    ? z.NEVER
    : Number(digits) * unitBytes[unit as keyof typeof unitBytes];
});

/** A URL of one of these protocols, without user, query and fragment. */
export const urlOf = (...protocols: string[]) =>
  matching((text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    return (
      url !== null &&
      protocols.includes(url.protocol) &&
      url.username + url.password + url.search + url.hash === ''
    );
  });

/** One line of text that can be a password (SPEC 3). The policy is for passwords of others than who sets it. */
export const Password = matching(
  (text) => !/[\r\n]/.test(text) && passwordFaults(text, defaultPasswordPolicy).length === 0,
);

/** The characters that stand in a path as they are (RFC 3986, section 2.3). */
export const HookSecret = matching((text) => /^[A-Za-z0-9._~-]{16,256}$/.test(text));

/** As the Standard Webhooks specification writes one. */
export const WebhookSecret = matching((text) => {
  const [, key = ''] = /^whsec_([A-Za-z0-9+/]{32,88}={0,2})$/.exec(text) ?? [];
  const { length } = Buffer.from(key, 'base64');
  return length >= 24 && length <= 64;
});

const isSyslogUrl = (text: string): boolean => {
  const url = URL.canParse(text) ? new URL(text) : null;
  // Host and port, and nothing behind them.
  return url !== null && url.hostname !== '' && /^\/?$/.test(url.pathname);
};
export const SiemUrl = z.union([
  urlOf('http:', 'https:'),
  urlOf('syslog+tcp:', 'syslog+tls:').refine(isSyslogUrl),
]);

/** What may stand in a header: a token, or its scheme and a token. */
export const SiemToken = z.string().regex(/^(?=.{1,4096}$)[!-~]+( [!-~]+)?$/);

export const Pem = matching((text) => /^-----BEGIN [A-Z0-9 ]+-----$/m.test(text));

/** The embedded log, or the connection string of a server: the schemes that its client knows. */
export const Store = z.union([
  z.literal('sqlite'),
  z.string().regex(/^(kurrentdb|esdb|kurrent|kdb)(\+discover)?:\/\/[^\s/]+/),
]);
