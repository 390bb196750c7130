import type { PlannedSweep } from '../../../../contracts/plan.ts';

/** The ids of the steps that a sweep makes. */

/** What the ids of the steps of a trial begin with, as of a file that is included: `sweep-pretrain` is `pretrain` of `sweep`. */
export const templateId = (sweep: string, name: string): string => `${sweep}-${name}`;

/** The name under which the steps stand that write down what a trial came to; no step of a trial may have it. */
export const reachedName = 'trial';

type Ids = Pick<PlannedSweep, 'rungs' | 'seeds' | 'perRung'>;

/** `sweep-pretrain@trial=3,seed=1,epochs=9`: the seed where there are several, the epochs where the step is done at each rung. */
export function trialStepId(sweep: Ids, template: string, trial: number, seed: number, rung: number): string {
  const epochs = sweep.perRung.includes(template) ? sweep.rungs?.[rung] : undefined;
  return `${template}@${[
    `trial=${trial}`,
    ...(sweep.seeds.length > 1 ? [`seed=${seed}`] : []),
    ...(epochs === undefined ? [] : [`epochs=${epochs}`]),
  ].join(',')}`;
}

/** `sweep-trial@trial=3,epochs=9`: what the trial came to at a rung, all its replicates together. */
export function reachedId(id: string, { rungs }: Ids, trial: number, rung: number): string {
  const epochs = rungs?.[rung];
  return `${templateId(id, reachedName)}@trial=${trial}${epochs === undefined ? '' : `,epochs=${epochs}`}`;
}
