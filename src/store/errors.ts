/** Why a log cannot be opened or moved, for whoever can do something about it: an operator. */

/** Another process has this log open. */
export class StoreLocked extends Error {
  override name = 'StoreLocked';
}

/** There is no log where one should be. */
export class LogAbsent extends Error {
  override name = 'LogAbsent';
}

/** This log is not the one to write to. */
export class LogNotLive extends Error {
  override name = 'LogNotLive';
}

/** The target of a copy is another log than the source, or became one. */
export class CopyRefused extends Error {
  override name = 'CopyRefused';
}

/** The client for KurrentDB is a package of its own, and is not installed here. */
export class StoreClientAbsent extends Error {
  override name = 'StoreClientAbsent';
}

/** What is restored goes into an empty folder alone. */
export class FolderNotEmpty extends Error {
  override name = 'FolderNotEmpty';
  readonly folder: string;
  constructor(folder: string) {
    super(`${folder} is not empty`);
    this.folder = folder;
  }
}

/** The store cannot answer now (disk full, away, too slow). Nothing is known to be written. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable';
}

/** The same of the log in this machine's own folder: its disk is full, or fails. */
export class OwnLogUnavailable extends StoreUnavailable {}
