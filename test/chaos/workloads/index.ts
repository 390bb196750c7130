import { embedding } from './embedding.ts';
import { photos, small, sweep } from './trainings.ts';
import type { Workload } from './workload.ts';

export type { Results, Workload } from './workload.ts';

/** Workloads whose runs are disturbed, and how often each is drawn. */
export const workloads: readonly (readonly [Workload, weight: number])[] = [
  [small, 4],
  [photos, 2],
  [sweep, 2],
  [embedding, 2],
];
