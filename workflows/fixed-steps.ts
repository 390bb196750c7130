import type { Plan, PlannedStep } from '../contracts/plan.ts';

/** Why no parameter of a step can be changed while the run goes on; null where one can. @param id of a step, or of a matrix */
export function whyFixed({ matrices }: Plan, id: string, step: PlannedStep | undefined): string | null {
  const instead = '`contrail resume --set` changes a param of the pipeline.';
  if (step?.sweep !== undefined)
    return `Step ${id} is of a trial of ${step.sweep}, whose parameters the search decides. ${instead}`;
  // The trials of the plan follow from it as it was when the run was started.
  if (step?.uses === 'sweep') return `What ${id} tries is decided when the run is started. ${instead}`;
  const matrix = matrices?.[id] ? id : step?.matrix?.of;
  const list = matrix === undefined ? undefined : matrices?.[matrix]?.list;
  // The plan that is kept has no steps for items, so a change of one could not be kept with it.
  return list
    ? `Step ${id} is there for the items of a list, which step ${list.step} gives: one of them cannot have parameters of its own. ${instead}`
    : null;
}
