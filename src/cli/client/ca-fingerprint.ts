/** Makes the command line trust the registry's CA, which it knows by its fingerprint, and nobody else's. */
import { setDefaultCACertificates } from 'node:tls';
import { authorityOf, fingerprintOf, OtherAuthority } from '../../device/ca.ts';
import { type Call, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { registryUrl } from './registry-client.ts';
import { requestTimeoutMs, systemCode, unreachable } from './unreachable.ts';

const remedy =
  'It is on the page, on the label of the device, or in GET /ca at the machine itself; never ask for it over the network that you do not trust.';

/** As `authorityOf` takes it, with the address that it goes with; null: none is given. @throws CommandFailed */
export function givenFingerprint(call: Call): { fingerprint: string; url: string } | null {
  const { settings } = call;
  const given = call.text('ca-fingerprint') ?? settings.caFingerprint;
  if (given === null) return null;
  const fingerprint = fingerprintOf(given);
  if (fingerprint === null)
    throw usageFault(`"${given}" is no fingerprint: it has 64 hex digits.`, [remedy]);
  const url = registryUrl(call.text('url') ?? settings.url);
  if (!url.startsWith('https:'))
    throw usageFault(`A CA fingerprint goes with https, and the registry is at ${url}.`, [
      'Give its https address: --url, or GATEBOOK_URL',
    ]);
  return { fingerprint, url };
}

export const otherAuthority = ({ message }: OtherAuthority, expected: string): CommandFailed =>
  new CommandFailed(exitCodes.notAllowed, `${message} Nothing was sent.`, [
    `Expected: ${expected}`,
    remedy,
  ]);

/** Before anything is sent. @throws CommandFailed */
export async function trustByFingerprint(call: Call): Promise<void> {
  const given = givenFingerprint(call);
  if (given === null) return;
  const { fingerprint, url } = given;
  try {
    setDefaultCACertificates([await authorityOf(url, [fingerprint], requestTimeoutMs)]);
  } catch (error) {
    if (!(error instanceof OtherAuthority)) throw unreachable(url, systemCode(error));
    throw otherAuthority(error, fingerprint);
  }
}
