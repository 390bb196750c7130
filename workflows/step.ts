import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  ChildWorkflowCancellationType,
  type ChildWorkflowHandle,
  ParentClosePolicy,
  proxyActivities,
  sleep,
  startChild,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import { jsonSize } from '../contracts/json-size.ts';
import type { StepKind } from '../contracts/kinds/kind.ts';
import { formatBytes, limits } from '../contracts/limits.ts';
import type { PlannedStep } from '../contracts/plan.ts';
import { stepKinds } from '../contracts/step-kinds.ts';
import { withValueAt } from '../contracts/training-changes.ts';
import { isShardsKind, isTrainingKind } from '../contracts/training-kinds.ts';
import { withArticle } from '../contracts/with-article.ts';
import {
  findReferences,
  type RunContext,
  resolveResults,
  TooLarge,
} from '../pipelines/language/expressions/references.ts';
import { embedding } from './embedding.ts';
import { lookups } from './lookups.ts';
import { workOptions } from './options.ts';
import type { Changes, Result } from './run-state.ts';
import { stageAttribute } from './search-attributes.ts';
import { type Stopped, training } from './training.ts';

/** A step with all that it needs filled in. */
export interface ResolvedStep {
  readonly parameters: Result;
  readonly inputs: Readonly<Record<string, ArtifactRef>>;
  /** The parameters hold what was not known when the pipeline was read, so they are not validated yet. */
  readonly check: boolean;
}

/** Fills in results of earlier steps, and what a person has changed. @throws ApplicationFailure InvalidInput */
export function resolveStep(
  step: PlannedStep,
  results: Readonly<Record<string, Result>>,
  context: RunContext,
  changes: Changes = {},
): ResolvedStep {
  const inputs: Record<string, ArtifactRef> = {};
  for (const [name, { step: source, field, kind }] of Object.entries(step.inputs)) {
    const found = results[source]?.[field];
    if (found === undefined || found === null)
      throw ApplicationFailure.nonRetryable(
        `Step ${step.id} takes ${withArticle(kind)} of step ${source}, which has not made one.`,
        'InvalidInput',
      );
    inputs[name] = found as unknown as ArtifactRef;
  }
  const resolved = filledIn(step, results, { ...context, matrix: step.matrix?.values });
  const parameters = Object.entries(changes).reduce((so, [path, value]) => withValueAt(so, path, value), resolved);
  const bytes = jsonSize(parameters);
  if (bytes > limits.sentBytes) throw tooLarge(step, formatBytes(bytes));
  // What a sweep tries is put in while the run goes on.
  const isOpen = step.sweep !== undefined || findReferences(step.with).length > 0;
  return { parameters, inputs, check: parameters !== resolved || isOpen };
}

function filledIn(
  { id, with: parameters }: PlannedStep,
  results: Readonly<Record<string, Result>>,
  context: RunContext,
) {
  try {
    return resolveResults(parameters, results as Record<string, Json>, context) as Result;
  } catch (error) {
    throw error instanceof TooLarge ? tooLarge({ id }, error.message) : error;
  }
}

const tooLarge = ({ id }: Pick<PlannedStep, 'id'>, size: string) =>
  ApplicationFailure.nonRetryable(
    `The parameters of ${id} have ${size} with the results that they refer to; at most ${formatBytes(limits.sentBytes)} can be sent. Refer to single fields of results, such as \${steps.<id>.result.<field>}, and to each once.`,
    'InvalidInput',
  );

/** What a step has that is the user's own. */
const ofUser = ({ code, own }: PlannedStep) => ({ ...(code ? { code } : {}), ...(own ? { own } : {}) });

export interface PreparedStep {
  readonly parameters: Result;
  readonly inputs: Readonly<Record<string, ArtifactRef>>;
  /** What the result follows from. */
  readonly fingerprint: string;
  readonly found: { readonly result: Result; readonly from: StepKey | null } | null;
}

/** Checks a step's parameters where that is still to be done, and looks for a result that is there already. */
export async function lookUp(
  run: string,
  step: PlannedStep,
  { parameters, inputs, check }: ResolvedStep,
  {
    redo,
    useCache,
    origin,
  }: { readonly redo: boolean; readonly useCache: boolean; readonly origin?: StepKey | undefined },
): Promise<PreparedStep> {
  const { id, uses, version } = step;
  const isPlain = (step.role ?? 'step') === 'step';
  const kind: StepKind = stepKinds[uses];
  const reuse = {
    own: isPlain && !redo,
    cache: isPlain && !redo && useCache && step.cache !== false && kind.effect !== true,
    ...(origin && isPlain && !redo && kind.effect !== true ? { origin } : {}),
  };
  const answer = await lookups(`${id}: is there a result already?`).lookUpStep({
    run,
    step: id,
    uses,
    version,
    parameters,
    inputs: { ...inputs },
    ...ofUser(step),
    check,
    ...(step.rung ? { until: step.rung.until } : {}),
    reuse,
  });
  return { parameters: answer.parameters ?? parameters, inputs, fingerprint: answer.fingerprint, found: answer.found };
}

export interface Execution {
  readonly run: string;
  /** A training looks for checkpoints of an earlier attempt first. */
  readonly resume: boolean;
  /** The result follows from the fingerprint alone. */
  readonly cacheable: boolean;
  /** A person agreed to a changed config. */
  readonly accept: boolean;
  /** The checkpoint of another run that a training goes on from. */
  readonly startFrom?: { readonly run: string; readonly step: string; readonly epoch: number } | undefined;
  /** Where a training of a sweep stopped that this step goes on with. */
  readonly continues?: Stopped | undefined;
  /** Waits for a person; null where the wait is to begin again, in a new history. */
  readonly ask: () => Promise<Result | null>;
  /** Told of the step's own workflow, which takes signals of pauses. */
  readonly onTraining: (handle: Pick<ChildWorkflowHandle<typeof training>, 'signal'>) => void;
}

const maximumWaits = 60;

/** The training of an execution that was terminated writes its checkpoint first, and keeps its id until it has ended. */
async function onceFree<T>(step: string, begin: () => Promise<T>): Promise<T> {
  for (let waits = 0; ; waits++)
    try {
      return await begin();
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError) || waits === maximumWaits) throw error;
      await sleep('2s', { summary: `${step}: an earlier attempt is writing its checkpoint` });
    }
}

/** A step with many activities is a workflow of its own, which ends with its run. */
const childOptions = (run: string, id: string, priority: number | undefined) => ({
  workflowId: `${run}/${id}`,
  cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
  staticSummary: `${id} of ${run}`,
  typedSearchAttributes: [{ key: stageAttribute, value: id }],
  ...(priority === undefined ? {} : { priority: { priorityKey: priority } }),
});

/** Does a step's work: one activity, a workflow of its own, or a question to a person. */
export async function execute(
  step: PlannedStep,
  { parameters, inputs, fingerprint }: PreparedStep,
  { run, resume, cacheable, accept, startFrom, continues, ask, onTraining }: Execution,
): Promise<{ readonly result: Result | null; readonly retries: number }> {
  const { id, uses, queue, timeoutMs, retry, priority } = step;
  if (isTrainingKind(uses) || isShardsKind(uses)) {
    const options = childOptions(run, id, priority);
    const ofStep = {
      ...{ run, step: id, queue, timeoutMs, retry, parameters, fingerprint },
      ...(priority === undefined ? {} : { priority }),
    };
    const start = () => {
      if (isShardsKind(uses)) return startChild(embedding, { ...options, args: [{ ...ofStep, inputs }] });
      const { dataset } = inputs;
      if (!dataset) throw ApplicationFailure.nonRetryable(`Step ${id} has no data set.`, 'InvalidInput');
      const more = {
        ...(startFrom ? { startFrom } : {}),
        ...(cacheable ? {} : { cache: false }),
        ...(step.rung ? { until: step.rung.until } : {}),
        ...(continues ? { continues } : {}),
      };
      return startChild(training, { ...options, args: [{ ...ofStep, uses, dataset, resume, accept, ...more }] });
    };
    const handle = await onceFree<Pick<ChildWorkflowHandle<typeof training>, 'signal' | 'result'>>(id, start);
    onTraining(handle);
    return handle.result();
  }
  if (uses === 'approve') return { result: await ask(), retries: 0 };
  const activities = proxyActivities<Activities>({
    ...workOptions(step),
    activityId: id,
    summary: `${id}: ${step.own?.file ?? uses}`,
  });
  const { result, attempt } = await activities[uses]({
    run,
    step: id,
    parameters,
    inputs,
    ...ofUser(step),
    fingerprint,
  });
  return { result, retries: attempt - 1 };
}
