/** Certificates by REST, by EST and by renewal: the log names each one that somebody was given, and the list each that is over. */
import { X509Certificate } from 'node:crypto';
import { csrDer, keyPairs, newCsr } from '../../support/csr.ts';
import { registerPath, selfPath } from '../../support/door.ts';
import { certificatesIn, enrol } from '../../support/est.ts';
import { overTls } from '../../support/tls.ts';
import { certificateFaults } from '../oracles/certificates.ts';
import type { Deeds, Running } from './deeds.ts';

const devicesMax = 40;
const renewalPath = '/api/client-registry/certificate';

interface Device {
  readonly username: string;
  readonly keys: ReturnType<typeof keyPairs.p256>;
  /** Acknowledged, in their order; PEM. */
  readonly given: string[];
  isGranted: boolean;
  isBusy: boolean;
}

const serialOf = (pem: string): string =>
  new X509Certificate(pem).serialNumber.toLowerCase().padStart(32, '0');
const keyOf = ({ keys }: Device) =>
  keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const firstOf = (chain: string): string =>
  `${chain.split('-----END CERTIFICATE-----')[0]}-----END CERTIFICATE-----\n`;

async function asked({ served }: Running, device: Device) {
  const { csr } = newCsr(device.username, device.keys);
  return await served.call('POST', registerPath, { body: { username: device.username, csr } });
}

async function byRest(running: Running, device: Device): Promise<void> {
  const { served, token } = running;
  const { status, body } = await asked(running, device);
  if (status === 202) {
    const grant = `/api/client-registry/requests/${body.requestId}/grant`;
    const granted = await served.call('POST', grant, { token, body: {} });
    if (granted.status === 200) device.isGranted = true;
  } else if (status === 201) device.given.push(firstOf(body.certificate));
}

async function byEst({ https, ca }: Running, device: Device): Promise<void> {
  const csr = csrDer({ username: device.username, ...device.keys }).toString('base64');
  const answer = await enrol({} as never, csr, { url: https, ca });
  if (answer.status === 200) device.given.push(...certificatesIn(answer).slice(0, 1));
}

/** With the newest in hand; then the new one is shown, so that it is taken. */
async function renewed({ https, ca }: Running, device: Device): Promise<void> {
  const [key, cert] = [keyOf(device), device.given.at(-1) ?? ''];
  const body = { csr: newCsr(device.username, device.keys).csr };
  const { status, text } = await overTls(https + renewalPath, {
    ...{ ca, key, cert, method: 'POST', body },
  });
  if (status !== 201) return;
  const next = firstOf(JSON.parse(text).certificate);
  device.given.push(next);
  await overTls(https + selfPath, { ca, key, cert: next });
}

async function lookAt(running: Running, device: Device): Promise<string[]> {
  const { served, token } = running;
  const { username, given } = device;
  // First, since it is issued one where it has none yet.
  const again = await asked(running, device);
  const get = async (path: string) => (await served.call('GET', path, { token })).body;
  const { items } = await get(
    `/api/audit/events?username=${username}&type=CertificateIssued&limit=1000`,
  );
  const issued: string[] = items.map(({ data }: { data: { serial: string } }) => data.serial);
  const seen = { username, given: given.map(serialOf), issued };
  if (!device.isGranted) return certificateFaults({ ...seen, granted: null });
  const user = await get(`/api/users/${username}`);
  const held: string[] = (user.credentials ?? []).flatMap(
    ({ serial }: { serial?: string }) => serial ?? [],
  );
  const list = Buffer.from(await (await fetch(`${served.url}/ca/crl`)).arrayBuffer());
  const came: string | undefined = again.body.certificate;
  return certificateFaults({
    ...seen,
    granted: {
      ...{ status: user.status, held },
      isRevoked: (serial) => list.includes(Buffer.from(serial, 'hex')),
      again: { status: again.status, serial: came === undefined ? null : serialOf(firstOf(came)) },
    },
  });
}

export function certificateDeeds(): Deeds {
  const devices: Device[] = [];
  return {
    acknowledged: () => devices.reduce((sum, { given }) => sum + given.length, 0),
    async act(running) {
      const { chance } = running;
      if (devices.length < devicesMax && (devices.length < 8 || chance.is(0.15)))
        devices.push({
          ...{ username: `certified-${devices.length}`, keys: keyPairs.p256(), given: [] },
          ...{ isGranted: false, isBusy: false },
        });
      const device = chance.pick(devices);
      if (device.isBusy) return await new Promise((resolve) => setTimeout(resolve, 5));
      device.isBusy = true;
      try {
        if (device.given.length > 0 && chance.is(0.6)) await renewed(running, device);
        else await (device.isGranted && chance.is(0.5) ? byEst : byRest)(running, device);
      } finally {
        device.isBusy = false;
      }
    },
    async look(running) {
      const looked = [0, 1, 2, 3].flatMap(() =>
        devices.length > 0 ? running.chance.pick(devices) : [],
      );
      return (await Promise.all([...new Set(looked)].map((one) => lookAt(running, one)))).flat();
    },
  };
}
