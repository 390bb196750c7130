import type { WorkloadName } from '../messages.ts';
import { embedding } from './embedding.ts';
import { serving } from './serving.ts';
import { photos, small, sweep } from './trainings.ts';
import type { Workload } from './workload.ts';

export type { Workload } from './workload.ts';

export const workloads: Readonly<Record<WorkloadName, Workload>> = { small, photos, sweep, embedding, serving };
