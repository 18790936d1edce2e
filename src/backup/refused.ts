/** Why a file is no backup that can be restored, for whoever can do something about it. */

type BackupFault =
  | 'foreign'
  | 'newer'
  | 'cut'
  | 'damaged'
  | 'passphrase-missing'
  | 'passphrase-wrong'
  | 'not-encrypted'
  | 'not-this-log';

/** Nothing of the file counts. */
export class BackupRefused extends Error {
  override name = 'BackupRefused';
  readonly reason: BackupFault;
  constructor(reason: BackupFault, message: string) {
    super(message);
    this.reason = reason;
  }
}

export const damaged = (what: string): BackupRefused =>
  new BackupRefused('damaged', `it is damaged: ${what}`);
