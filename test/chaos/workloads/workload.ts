import type { Draw } from '../draw.ts';
import type { World } from '../world.ts';

/** What a trial is given. */
export interface TrialOptions {
  readonly run: string;
  readonly draw: Draw;
  /** So many faults at most. */
  readonly most: number;
  /** What it comes to when nothing happens. */
  readonly reference: unknown;
  /** Paths of files of the store that were damaged on purpose are added to it. */
  readonly damaged: Set<string>;
}

/** One thing that was done. */
export interface Struck {
  readonly fault: string;
  readonly what: string;
}

/** What became of a run, or of a server, that things were done to. */
export interface TrialResult {
  readonly run: string;
  readonly workload: string;
  readonly struck: readonly Struck[];
  /** Errors that it stopped with, each of which said what to do, and after which it was resumed. */
  readonly stops: readonly string[];
  /** What was lost, one sentence each; empty where all is as it must be. */
  readonly lost: readonly string[];
  readonly seconds: number;
}

/** Something that goes on while things go wrong. */
export interface Workload {
  readonly name: string;
  /** Prepares a world, and gives what the workload comes to in it when nothing happens. */
  readonly reference: (world: World) => Promise<unknown>;
  readonly trial: (world: World, options: TrialOptions) => Promise<TrialResult>;
}
