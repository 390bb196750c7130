import type { World } from '../world.ts';

export type Results = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A pipeline that things go wrong under. */
export interface Workload {
  readonly name: string;
  /** Once for each world. */
  readonly prepare?: (world: World) => Promise<void>;
  /** Before each run, so that it finds nothing done that it is to do. */
  readonly clear?: (world: World) => Promise<void>;
  readonly pipeline: (world: World) => Promise<string>;
  /** Of the results of a run, what must be the same however it came to them. */
  readonly outcome: (results: Results) => unknown;
}
