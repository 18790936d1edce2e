/** Reads the address of a KurrentDB, so that no message repeats what stands in it: a password may. */
import { KurrentDBClient } from '@kurrent/kurrentdb-client';

const protocol = /^(?:esdb|kurrentdb|kurrent|kdb)(\+discover)?:\/\//;

/** What the client knows; of anything else it would print the whole address as a warning. */
const optionNames = [
  'connectionName',
  'defaultDeadline',
  'discoveryInterval',
  'gossipTimeout',
  'keepAliveInterval',
  'keepAliveTimeout',
  'maxDiscoverAttempts',
  'nodePreference',
  'throwOnAppendFailure',
  'tls',
  'tlsCAFile',
  'tlsVerifyCert',
  'userCertFile',
  'userKeyFile',
];

/** Milliseconds between two signs of life on a connection, where the address does not say: the client's own. */
const keepAliveMs = 10_000;
const keepAliveApartMax = 1_000;
let clientsMade = 0;

/**
 * gRPC shares one connection between all clients that have the same options: one that swallows everything
 * would be shared by whoever replaces it. So no two have quite the same.
 */
function connectedApart(address: string): string {
  const [hosts = '', query = ''] = address.split('?', 2);
  const others: string[] = [];
  let everyMs = String(keepAliveMs);
  for (const pair of query.split('&').filter((part) => part !== '')) {
    const [name = '', value = ''] = pair.split('=', 2);
    if (flat(name) === flat('keepAliveInterval')) everyMs = value;
    else others.push(pair);
  }
  clientsMade += 1;
  // What is no number is the client's to refuse, and -1 is its word for never.
  if (/^\d+$/.test(everyMs)) everyMs = String(Number(everyMs) + (clientsMade % keepAliveApartMax));
  return `${hosts}?${[...others, `keepAliveInterval=${everyMs}`].join('&')}`;
}

/** The address of one node alone, whoever leads, with everything else that stands in the address of all. */
export function addressOfNode(connectionString: string, host: string, port: number): string {
  const address = connectionString.trim();
  const [hosts = '', query = ''] = address.split('?', 2);
  const account = /^[^/]*\/\/([^/]*@)?/.exec(hosts)?.[1] ?? '';
  const others = query
    .split('&')
    .filter((pair) => pair !== '' && flat(pair.split('=', 1)[0] ?? '') !== flat('nodePreference'));
  const named = host.includes(':') ? `[${host}]` : host;
  return `kurrentdb://${account}${named}:${port}?${[...others, 'nodePreference=random'].join('&')}`;
}

const flat = (name: string): string => name.toLowerCase().replace(/[_-]/g, '');

/** @throws Error that says what is wrong with the address, without the address. */
export function clientOf(connectionString: string): KurrentDBClient {
  const address = connectionString.trim();
  if (!protocol.test(address)) throw unreadable();
  const [, query = ''] = address.split('?', 2);
  for (const pair of query.split('&').filter((part) => part !== '')) {
    const [name = ''] = pair.split('=', 1);
    if (!optionNames.some((known) => flat(known) === flat(name)))
      throw new Error(
        `the address of the event store has an option that is not known; these are: ${optionNames.join(', ')}`,
      );
  }
  try {
    // The old name of the protocol is a warning on stderr.
    return KurrentDBClient.connectionString(connectedApart(address.replace(/^esdb/, 'kurrentdb')));
  } catch (error) {
    const words = error instanceof Error ? error.message : '';
    // These name no part of the address; a parser's words do.
    if (/^(Failed to load certificate|userCertFile must|Invalid keepAlive)/.test(words))
      throw new Error(`the event store's address: ${words}`);
    throw unreadable();
  }
}

const unreadable = () =>
  new Error(
    'the address of the event store cannot be read: it is like ' +
      'kurrentdb://user:password@host:2113,host:2113?tls=true',
  );
