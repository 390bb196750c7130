import type { z } from 'zod';
import type { buildPhaseSchema } from '../../contracts/vector-index.ts';

export type BuildPhase = z.infer<typeof buildPhaseSchema>;

/** What is shown of a phase while it lasts. */
export const buildPhaseTexts: Readonly<Record<BuildPhase, string>> = {
  rows: 'copying vectors',
  recall: 'finding true neighbours',
  graph: 'building the graph',
  check: 'looking for every image',
};

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
  /**
   * Where the graph is written before it is stored; whoever made the folder removes it.
   *
   * @default a temporary folder that is removed when the build ends, unless its process is killed
   */
  readonly folder?: string;
}
