import type { Outcome } from './outcome.ts';

/** To the process that runs inputs. */
export type Asked =
  | { readonly do: 'open'; readonly target: string }
  | { readonly do: 'run'; readonly inputs: readonly Uint8Array[] }
  | { readonly do: 'close' };

/** What an input cost. */
export interface Cost {
  /** Until it was settled. */
  readonly wallMs: number;
  /** Of all threads of the process. */
  readonly processorMs: number;
  /** The most memory that the process had meanwhile, less what it had before. */
  readonly memoryBytes: number;
}

/** From it. `seeds` tells that a target is open; there is one `ran` for each input, in their order. */
export type Said =
  | { readonly say: 'seeds'; readonly seeds: readonly Uint8Array[] }
  | { readonly say: 'unopened'; readonly why: string }
  | { readonly say: 'ran'; readonly outcome: Outcome; readonly cost: Cost; readonly peakBytes: number };
