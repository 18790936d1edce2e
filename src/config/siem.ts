/** The SIEM in the configuration: where audit events are sent, and what that receiver wants to see. */
import type { ConfigFault } from './fault.ts';
import type { Environment } from './reading.ts';
import { prefix, type Values } from './variables.ts';

export interface SiemConfig {
  readonly to:
    | { readonly by: 'syslog'; readonly host: string; readonly port: number; readonly tls: boolean }
    | { readonly by: 'http'; readonly url: string; readonly authorization: string | null };
  /** PEM; null: those that the system trusts. */
  readonly ca: string | null;
  /** Where it begins when nothing was delivered yet. */
  readonly from: 'beginning' | 'now';
}

/** RFC 6587 names none; 601 is that of syslog by TCP (RFC 3195), 6514 of syslog by TLS (RFC 5425). */
const syslogPort = 601;
const syslogTlsPort = 6514;

const isSyslog = (url: string): boolean => url.startsWith('syslog+');

const toOf = (url: string, token: string | undefined): SiemConfig['to'] => {
  if (!isSyslog(url))
    return {
      ...{ by: 'http', url },
      // Some want another word before it than most do.
      authorization:
        token === undefined || token.includes(' ') ? (token ?? null) : `Bearer ${token}`,
    };
  const { protocol, hostname, port } = new URL(url);
  const tls = protocol === 'syslog+tls:';
  return {
    ...{ by: 'syslog', tls, host: hostname.replace(/^\[|\]$/g, '') },
    port: port === '' ? (tls ? syslogTlsPort : syslogPort) : Number(port),
  };
};

export const siemOf = (values: Values): SiemConfig | null =>
  values.SIEM_URL === undefined
    ? null
    : {
        to: toOf(values.SIEM_URL, values.SIEM_TOKEN),
        ca: values.SIEM_CA ?? null,
        from: values.SIEM_FROM,
      };

/** What a receiver of this kind does not look at would not be there. A value that did not parse is left out. */
export function siemFaults(values: Partial<Values>, set: Environment): ConfigFault[] {
  const isSet = (name: string) => Boolean(set[`${prefix}${name}`] || set[`${prefix}${name}_FILE`]);
  const url = values.SIEM_URL;
  const fault = (name: string, problem: string, remedy: string): ConfigFault => ({
    ...{ variable: `${prefix}${name}`, problem, remedy },
  });
  if (!isSet('SIEM_URL'))
    return ['SIEM_TOKEN', 'SIEM_CA', 'SIEM_FROM']
      .filter(isSet)
      .map((name) =>
        fault(
          name,
          `is set without ${prefix}SIEM_URL`,
          `Set ${prefix}SIEM_URL, or remove the variable`,
        ),
      );
  if (url === undefined) return [];
  return [
    ...(isSet('SIEM_TOKEN') && isSyslog(url)
      ? [fault('SIEM_TOKEN', 'is set, and syslog shows no token', 'Remove it, or send by https')]
      : []),
    ...(isSet('SIEM_CA') && !/^(syslog\+tls|https):/.test(url)
      ? [
          fault(
            'SIEM_CA',
            `is set, and ${prefix}SIEM_URL is without TLS`,
            'Remove it, or send by syslog+tls or https',
          ),
        ]
      : []),
  ];
}
