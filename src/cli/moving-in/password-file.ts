/** Mosquitto's password file: a name and a hash a line, as `mosquitto_passwd` writes it. */
import { type MovingClient, named, type Remark, type SaidByFile } from './found.ts';
import { passwordOf } from './mosquitto-hash.ts';
import { nameFault } from './rules.ts';

export function passwordFileIn(file: string, text: string): SaidByFile {
  const clients: MovingClient[] = [];
  const remarks: Remark[] = [];
  for (const [at, written] of text.split('\n').entries()) {
    const line = written.trimEnd();
    if (line === '' || line.startsWith('#')) continue;
    const place = `${file}:${at + 1}`;
    const colon = line.indexOf(':');
    // Never the line itself: it may be a password.
    if (colon <= 0) {
      remarks.push({ place, text: 'left out, it is no NAME:HASH' });
      continue;
    }
    const username = line.slice(0, colon);
    const fault = nameFault(username);
    if (fault !== null) remarks.push({ place, text: `${username}: left out, a name ${fault}` });
    else clients.push({ ...named(username, place), password: passwordOf(line.slice(colon + 1)) });
  }
  return { roles: [], clients, remarks, forAll: [] };
}
