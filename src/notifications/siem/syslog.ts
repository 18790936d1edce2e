/**
 * Audit events by syslog: RFC 5424 messages, each behind its length (RFC 6587, section 3.4.1; RFC 5425, section 4.3).
 *
 * Syslog has no acknowledgement: what a sender wrote may still be in a buffer of the machine when the receiver
 * dies. So a connection carries one portion. Nothing may come from the other side while the portion travels; then
 * this side ends the connection, and only when the receiver ends it in turn has it read everything before: a
 * receiver that goes away with something unread, or before that, breaks the connection, and the portion is sent again.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { siemSettleMs } from '../../limits/notifications.ts';
import { pause } from '../../platform/pause.ts';
import { NotDelivered, notInTime, type SiemRecord, type SiemSink } from './record.ts';
import { severityOf } from './severity.ts';

interface SyslogTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** PEM; null: those that the system trusts. */
  readonly ca: string | null;
}

/** "Log audit" (RFC 5424, section 6.2.1). */
const facility = 13;
/** The number is the one that documentation uses (RFC 5612): Gatebook has none of its own. */
const structuredDataId = 'gatebook@32473';
const messageIdLengthMax = 32;
const hostnameLengthMax = 255;

const escaped = (value: string): string => value.replace(/["\\\]]/g, '\\$&');

/** PRINTUSASCII of bounded length, or what says that there is none. */
const headerText = (text: string, lengthMax: number): string =>
  text.replace(/[^!-~]/g, '').slice(0, lengthMax) || '-';

/** The message alone: its text is the leaf, so that its hash is that of the structured data. */
export function syslogMessage(
  record: SiemRecord,
  { hostname, logId }: { readonly hostname: string; readonly logId: string },
): string {
  const { index, hash, position, type, at, leaf } = record;
  const parameters = Object.entries({ index: String(index), hash, position, log: logId })
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(' ');
  const priority = facility * 8 + severityOf(type);
  const host = headerText(hostname, hostnameLengthMax);
  const header = `<${priority}>1 ${at ?? '-'} ${host} gatebook - ${headerText(type, messageIdLengthMax)}`;
  return `${header} [${structuredDataId} ${parameters}] ${leaf}`;
}

function framed(message: string): Buffer {
  const bytes = Buffer.from(message);
  return Buffer.concat([Buffer.from(`${bytes.length} `), bytes]);
}

export function syslogSink(
  target: SyslogTarget,
  sender: { readonly hostname: string; readonly logId: string },
): SiemSink {
  return {
    send(records, signal) {
      const frames = records.map((record) => framed(syslogMessage(record, sender)));
      return sendWhole(target, Buffer.concat(frames), signal);
    },
    close: () => undefined,
  };
}

function opened({ host, port, tls, ca }: SyslogTarget): Socket {
  if (!tls) return connectPlain({ host, port });
  return connectTls({
    ...{ host, port, minVersion: 'TLSv1.2' },
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === null ? {} : { ca }),
  });
}

/** @throws NotDelivered */
async function sendWhole(target: SyslogTarget, bytes: Buffer, signal: AbortSignal): Promise<void> {
  const socket = opened(target);
  const broken = Promise.withResolvers<never>();
  const ended = Promise.withResolvers<void>();
  // Whoever of the two is not waited for any more may still fail.
  broken.promise.catch(() => undefined);
  const fail = (detail: string) => broken.reject(new NotDelivered(detail));
  const onAbort = () => fail(notInTime);
  signal.addEventListener('abort', onAbort, { once: true });
  socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? 'the connection broke'));
  socket.on('end', ended.resolve);
  socket.on('close', () => fail('the receiver closed the connection'));
  // What a receiver says is nothing to us, but its end is only seen behind it.
  socket.resume();
  const orBroken = <Value>(step: Promise<Value>) => Promise.race([step, broken.promise]);
  try {
    signal.throwIfAborted();
    await orBroken(
      new Promise<void>((resolve) => {
        socket.once(target.tls ? 'secureConnect' : 'connect', () =>
          socket.write(bytes, () => resolve()),
        );
      }),
    );
    const early = await orBroken(
      Promise.race([pause(siemSettleMs, signal), ended.promise.then(() => 'ended' as const)]),
    );
    if (early === 'ended') throw new NotDelivered('the receiver closed the connection');
    socket.end();
    await orBroken(ended.promise);
  } catch (error) {
    throw error instanceof NotDelivered ? error : new NotDelivered(notInTime);
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}
