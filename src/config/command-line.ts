/** What the command line takes from the environment: where the registry is, and who asks. */
import { join } from 'node:path';
import { ConfigError, type ConfigFault } from './fault.ts';
import { type Environment, readText } from './reading.ts';

/** What the command line reads from the environment; null where it is not set. */
export interface CommandLineSettings {
  readonly url: string | null;
  readonly token: string | null;
  readonly username: string | null;
  readonly password: string | null;
  /** SHA-256 of the registry's CA certificate, hex. */
  readonly caFingerprint: string | null;
  /** What lets a device in, or lets it ask, while the registry is locked. */
  readonly enrolmentCode: string | null;
  /** Of a backup. */
  readonly passphrase: string | null;
  /** The folder of `gatebook/credentials.json`, after the XDG base directory specification. */
  readonly configFolder: string | null;
  /** NO_COLOR (https://no-color.org): set and not empty. */
  readonly noColor: boolean;
}

/** @throws ConfigError when a variable and its file are both set, or a file cannot be read. */
export function commandLineSettings(environment: Environment): CommandLineSettings {
  const faults: ConfigFault[] = [];
  const text = (name: string) => readText(environment, name, faults)?.text ?? null;
  const home = environment.HOME || environment.USERPROFILE;
  const settings = {
    url: text('URL'),
    token: text('TOKEN'),
    username: text('USERNAME'),
    password: text('PASSWORD'),
    caFingerprint: text('CA_FINGERPRINT'),
    enrolmentCode: text('ENROLMENT_CODE'),
    passphrase: text('PASSPHRASE'),
    configFolder: environment.XDG_CONFIG_HOME || (home ? join(home, '.config') : null),
    noColor: (environment.NO_COLOR ?? '') !== '',
  };
  if (faults.length > 0) throw new ConfigError(faults);
  return settings;
}
