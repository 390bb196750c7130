/** Bytes to write: all at once, or in pieces. */
export type Content = Uint8Array | Iterable<Uint8Array>;

/** A file in the store. */
export interface StoredFile {
  readonly path: string;
  readonly bytes: number;
  /** When it was last written, in milliseconds since 1970, by the clock of whoever keeps it. */
  readonly modifiedMs: number;
}

/** Part of a file, and how many bytes the whole of it has. */
export interface FileRange {
  readonly content: Uint8Array;
  readonly fileBytes: number;
}

/** What must be in a file. */
export interface KnownContent {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** A durable file that has no name in the store yet. It is given one, or discarded; no sweep takes it while its process lives. */
export interface StagedFile {
  readonly read: () => Promise<Uint8Array>;
  /** Gives it its name, replacing a file of that name. Durable when it returns. */
  readonly publish: (path: string) => Promise<void>;
  readonly discard: () => Promise<void>;
}

/**
 * Where datasets, checkpoints and results live: named byte strings, and nothing else.
 *
 * Paths are relative, with `/` between names; a path that could leave the store is refused (InvalidInput). A file appears
 * whole or not at all. This is the whole surface that a driver has to offer.
 */
export interface Store {
  readonly url: string;
  /** @throws ContrailError CorruptArtifact when there is no such file, StoreUnreadable when it cannot be read */
  readonly read: (path: string) => Promise<Uint8Array>;
  /**
   * Reads the bytes from `from` up to, not with, `to`; fewer where the file ends before.
   *
   * @throws ContrailError CorruptArtifact when there is no such file, StoreUnreadable when it cannot be read
   */
  readonly readRange: (path: string, from: number, to: number) => Promise<FileRange>;
  /** False only where there certainly is none. @throws ContrailError StoreUnreadable */
  readonly exists: (path: string) => Promise<boolean>;
  /**
   * A text that is another one once the file was written again, whoever wrote it, without reading the file. Null where this store
   * cannot tell that its bytes are still those that were written, and where there is no such file.
   *
   * @throws ContrailError StoreUnreadable
   */
  readonly writtenAs: (path: string) => Promise<string | null>;
  /** Every file below a folder, sorted by path; empty when there is no such folder. Files being written are left out. */
  readonly list: (folder: string) => Promise<readonly StoredFile[]>;
  /** Every file that there is. */
  readonly everything: () => Promise<readonly StoredFile[]>;
  /** The names of the folders in a folder, sorted; empty when there is no such folder. */
  readonly folders: (folder: string) => Promise<readonly string[]>;
  /** Writes a file, replacing one of that name. Durable when it returns. */
  readonly write: (path: string, content: Content | AsyncIterable<Uint8Array>) => Promise<void>;
  /** Writes a file unless there is one of that name; says whether it did. Of several writers exactly one succeeds. */
  readonly writeExclusive: (path: string, content: Uint8Array) => Promise<boolean>;
  /** Writes a file whose name is not known yet, because it follows from what is written. */
  readonly stage: (content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) => Promise<StagedFile>;
  /** Removes a file; nothing happens when there is none. */
  readonly remove: (path: string) => Promise<void>;
  /** Removes what writers that died have left half-written below a folder, an hour after; returns how many files. */
  readonly sweep: (folder: string) => Promise<number>;
  /**
   * A file on this machine with the contents, to be opened soon, read and not changed. Where the store is elsewhere it is a copy
   * that was checked; where it is a folder of this machine it is the file itself, unchecked.
   *
   * @param content of the file, which must be one that is written once and never changed
   * @throws ContrailError CorruptArtifact when there is no such file, or another; StoreUnreadable when it cannot be read
   */
  readonly localFile: (path: string, content: KnownContent) => Promise<string>;
  /** Where a person finds the file or folder: a path on this machine, or a URL. */
  readonly locate: (path: string) => string;
  /**
   * Makes sure that the store does what Contrail relies on; to be called when a worker starts.
   *
   * @throws ContrailError SetupFailed that says what is missing, StoreUnreadable
   */
  readonly ready: () => Promise<void>;
}
