import type { Plan, PlannedStep } from '../../contracts/plan.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';

/** The plan of a pipeline with these steps, as YAML with an indent of two. */
export const planOf = (steps: string, more = ''): Plan =>
  parsePipeline({ text: `name: test\n${more}\nsteps:\n${steps}\n`, file: 'test.yaml' });

/** A step with nothing to do, for plans made by hand. */
export const bareStep = (id: string, needs: readonly string[], more: Partial<PlannedStep> = {}): PlannedStep => ({
  id,
  uses: 'prepare-data',
  version: 1,
  needs: [...needs],
  with: {},
  inputs: {},
  queue: 'cpu',
  retry: {},
  timeoutMs: 1000,
  ...more,
});
