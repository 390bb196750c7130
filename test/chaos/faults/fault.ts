import type { Draw } from '../draw.ts';
import type { World } from '../world.ts';

/** What a fault may know, and where it says what it has spoilt. */
export interface Strike {
  readonly world: World;
  readonly run: string;
  /** Its trainings, by step. */
  readonly trainings: readonly string[];
  readonly draw: Draw;
  /** Paths of files of the store that were damaged on purpose. */
  readonly damaged: Set<string>;
}

/** What must be there: a store of a kind, a training with a checkpoint. */
export type Need = 'folder' | 's3' | 'training';

/** Something that goes wrong, and has passed when it returns. */
export interface Fault {
  readonly name: string;
  /** How often it is drawn beside the others. */
  readonly weight: number;
  readonly needs?: readonly Need[];
  /** @returns what was done, with its figures; null where there was nothing to do it to */
  readonly strike: (strike: Strike) => Promise<string | null>;
}
