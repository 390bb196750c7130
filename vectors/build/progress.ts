/** What a build does one after the other; each is counted in rows. */
export type BuildPhase = 'rows' | 'graph' | 'recall' | 'check';

/** How far a build is. */
export interface BuildProgress {
  readonly phase: BuildPhase;
  readonly done: number;
  readonly total: number;
}

export interface BuildOptions {
  /**
   * Threads that build a graph. With more than one its bytes differ from build to build.
   *
   * @default 1
   */
  readonly threads?: number;
  readonly onProgress?: (progress: BuildProgress) => void;
}
