/** Bytes to write: all at once, or in pieces. */
export type Content = Uint8Array | Iterable<Uint8Array>;

/** A file in the store. */
export interface StoredFile {
  readonly path: string;
  readonly bytes: number;
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
  readonly exists: (path: string) => Promise<boolean>;
  /** Every file below a folder, sorted by path; empty when there is no such folder. Files being written are left out. */
  readonly list: (folder: string) => Promise<readonly StoredFile[]>;
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
   * A file on this machine with the contents, to be read and not changed.
   *
   * @throws ContrailError CorruptArtifact when there is no such file
   */
  readonly localFile: (path: string) => Promise<string>;
  /** Where a person finds the file or folder: a path on this machine. */
  readonly locate: (path: string) => string;
}
