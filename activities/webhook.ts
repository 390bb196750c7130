import { activityInfo } from '@temporalio/activity';
import { ContrailError } from '../contracts/errors.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import type { PlannedStep } from '../contracts/plan.ts';
import { loadPlan, loadStepResult } from '../store/index.ts';
import type { ActivityContext } from './context.ts';

/**
 * The URL that a variable of this worker holds.
 *
 * @throws ContrailError InvalidInput that names the variable and not what is in it
 */
export function webhookOf(variable: string): string {
  const value = process.env[variable];
  if (value === undefined || value === '')
    throw new ContrailError(
      'InvalidInput',
      `This worker has no environment variable ${variable}. Start it with the webhook's URL in it.`,
    );
  if (!URL.canParse(value) || !['http:', 'https:'].includes(new URL(value).protocol))
    throw new ContrailError('InvalidInput', `${variable} on this worker is not an http or https URL.`);
  return value;
}

/** Runs of which it is remembered that they were checked. */
const mostRemembered = 1000;

/**
 * Checks, before a step of a run is done, that the webhooks of its notify steps are there: what is missing is to be found
 * before a training, not after it. A worker can say so of the queues that it serves; for one that a condition may skip it
 * does not.
 *
 * @throws ContrailError InvalidInput
 */
export function createWebhookCheck({ store, queues = [] }: ActivityContext): (key: StepKey) => Promise<void> {
  const checked = new Map<string, Promise<readonly string[]>>();
  /** The steps of a run that are to be done before others, where a webhook is missing; why. */
  const problemsOf = async (run: string): Promise<readonly string[]> => {
    const steps = (await loadPlan(store, run))?.steps ?? [];
    const certain = certainOf(steps);
    const found = await Promise.all(
      steps.filter((step) => certain(step) && queues.includes(step.queue)).map((step) => problemWith(run, step)),
    );
    return found.flat();
  };
  const problemWith = async (run: string, step: PlannedStep): Promise<string[]> => {
    try {
      webhookOf(String(step.with.urlFrom));
      return [];
    } catch (error) {
      if (await loadStepResult(store, { run, step: step.id })) return [];
      return [`Step ${step.id} needs a webhook. ${(error as ContrailError).message}`];
    }
  };
  return async ({ run, step }) => {
    if (queues.length === 0) return;
    const execution = `${run} ${activityInfo().workflowExecution?.runId}`;
    const problems = checked.get(execution) ?? problemsOf(run);
    checked.set(execution, problems);
    // One that could not be read is read again by the next attempt.
    problems.catch(() => checked.delete(execution));
    const [oldest] = checked.keys();
    if (checked.size > mostRemembered && oldest !== undefined) checked.delete(oldest);
    if ((await problems).length === 0) return;
    const isPlain = ((await loadPlan(store, run))?.steps.find(({ id }) => id === step)?.role ?? 'step') === 'step';
    if (isPlain) throw new ContrailError('InvalidInput', (await problems).join('\n'));
  };
}

/** Whether a step tells a webhook that is named, in any case: no condition may skip it, or a step that it needs. */
function certainOf(steps: readonly PlannedStep[]): (step: PlannedStep) => boolean {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const known = new Map<string, boolean>();
  const isDone = (id: string): boolean => {
    const before = known.get(id);
    if (before !== undefined) return before;
    const step = byId.get(id);
    const certain = step !== undefined && step.when === undefined && step.needs.every(isDone);
    known.set(id, certain);
    return certain;
  };
  return ({ id, uses, with: parameters }) =>
    uses === 'notify' && isDone(id) && /^[A-Za-z_][A-Za-z0-9_]*$/.test(String(parameters.urlFrom));
}
