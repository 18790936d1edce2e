/** Whether somebody listens where brokers of other programs are said to be. */
import { connect } from 'node:net';
import type { BrokerSetting } from '../../../config/brokers.ts';
import type { Config } from '../../../config/config.ts';
import { doctorConnectMs } from '../../../limits/operating.ts';
import { type Finding, fault, good } from './finding.ts';

type BrokerPlace = { readonly host: string; readonly port: number } | { readonly path: string };

/** Null: it runs in this process, or is started by it. */
function placeOf(setting: BrokerSetting): BrokerPlace | null {
  if (setting.kind === 'embedded') return null;
  if (setting.kind === 'mosquitto') {
    const transport = setting.address?.transport;
    if (transport === undefined) return null;
    return transport.kind === 'unix' ? { path: transport.path } : transport;
  }
  const { hostname, port, protocol } = new URL(setting.api.url);
  const byDefault = protocol === 'https:' ? 443 : 80;
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? byDefault : Number(port),
  };
}

/** Resolves with why there is no connection; null: there is. */
const refusalAt = (place: BrokerPlace): Promise<string | null> =>
  new Promise((resolve) => {
    const socket = connect(place);
    const end = (why: string | null) => {
      socket.destroy();
      resolve(why);
    };
    socket.setTimeout(doctorConnectMs, () => end('no answer'));
    socket.once('connect', () => end(null));
    socket.once('error', ({ code = 'no answer' }: NodeJS.ErrnoException) => end(code));
  });

export async function brokerFindings({ brokers }: Config): Promise<Finding[]> {
  return await Promise.all(
    brokers.map(async (setting) => {
      const check = `broker ${setting.kind}`;
      const place = placeOf(setting);
      if (place === null) return good(check, 'started by the service');
      const where = 'path' in place ? place.path : `${place.host}:${place.port}`;
      const why = await refusalAt(place);
      return why === null
        ? good(check, `somebody listens at ${where}`)
        : fault(
            check,
            `nobody answers at ${where} (${why})`,
            'Start it, or correct GATEBOOK_BROKER',
          );
    }),
  );
}
