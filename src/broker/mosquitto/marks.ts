/** What this registry writes into its accounts at Mosquitto, to recognise them and what they were made for. */

/** What an account was made for. */
export interface AccountMark {
  readonly credentialId: string;
  /** Of the certificate that opened then; null: none did. */
  readonly certificateSerial: string | null;
  /** Its password is one that this registry alone knows, not its client's. */
  readonly isRegistrys: boolean;
}

export interface Marks {
  readonly textname: string;
  roleOf(username: string): string;
  /** Null: an account without a password, which admits nobody. */
  describe(held: AccountMark | null): string;
}

/** Marks of the registry with this log: another registry at the same broker has others. */
export const marksOf = (logId: string): Marks => ({
  textname: `gatebook ${logId}`,
  roleOf: (username) => `gatebook-${logId.slice(0, 8)}:${username}`,
  describe(held) {
    if (held === null) return 'without a password';
    const { credentialId, certificateSerial, isRegistrys } = held;
    const certificate = certificateSerial === null ? '' : `, certificate ${certificateSerial}`;
    return `credential ${credentialId}${certificate}${isRegistrys ? ', let in by the registry' : ''}`;
  },
});

const described = /^credential ([^\s,]+)(?:, certificate ([0-9a-f]+))?(, let in by the registry)?$/;

/** The reverse of `describe`; null: without a password, or none of this registry's. */
export function heldIn(description: string): AccountMark | null {
  const [, credentialId, certificateSerial = null, registrys] = described.exec(description) ?? [];
  return credentialId === undefined
    ? null
    : { credentialId, certificateSerial, isRegistrys: registrys !== undefined };
}

/** Whether both have the same password. */
export const isSamePassword = (one: AccountMark | null, other: AccountMark): boolean =>
  one?.credentialId === other.credentialId && one.isRegistrys === other.isRegistrys;
