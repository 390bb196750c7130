import { existsSync } from 'node:fs';
import { activityInfo, cancelled, heartbeat, sleep } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { EmbedShardInput, GatherEmbeddingInput } from '../../activities/embed-images.ts';
import { createActivities } from '../../activities/index.ts';
import type { StepInput } from '../../activities/step-input.ts';
import { finishStep, unlessFinished } from '../../activities/step-result.ts';
import type { FinishTrainingStepInput, TrainEpochStepInput } from '../../activities/training.ts';
import type { Plan, PlannedStep } from '../../contracts/plan.ts';
import { temporalBinary } from '../../native/index.ts';
import type { Store } from '../../store/index.ts';
import { searchAttributes } from '../../workflows/search-attributes.ts';
import { memoryStore } from '../memory-store.ts';
import { workflowCode } from './bundle.ts';

/** The list in the result of a `listStep` whose value is this: none to three items, in an order that varies. */
export const itemsOf = (value: number): string[] => {
  const items = ['i0', 'i1', 'i2'].slice(0, Math.floor(value) % 4);
  return Math.floor(value) % 2 === 0 ? items : items.reverse();
};

/** What a step's work does in a test. */
export interface Behaviour {
  /** Attempts that fail before one succeeds. */
  readonly failures: number;
  /** Fails with an error that is not retried. */
  readonly broken: boolean;
  readonly ms: number;
}

export interface WorkEvent {
  readonly what: 'start' | 'done' | 'error';
  readonly run: string;
  readonly step: string;
}

/**
 * The real server and the real workflows, with the real look-ups; the work of a `choose` or `run` step is what the test says it is,
 * an epoch of a training takes no time, and everything that happens is written down.
 */
export interface Interpreter {
  readonly environment: TestWorkflowEnvironment;
  readonly store: Store;
  readonly events: WorkEvent[];
  readonly behaviours: Map<string, Behaviour>;
  /** What happens before a step, named as `run/step`, is looked up. */
  readonly beforeLookUps: Map<string, () => Promise<void>>;
  /** What each epoch of a training was asked for. */
  readonly epochs: TrainEpochStepInput[];
  /** Stops the worker, and starts another whose workflows are this code. */
  readonly upgrade: (code: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export async function startInterpreter(extraArgs: string[] = [], firstCode?: string): Promise<Interpreter> {
  if (!existsSync(temporalBinary())) throw new Error('npm test sets up Temporal first');
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const environment = await startServer(extraArgs);
  const store = memoryStore();
  const events: WorkEvent[] = [];
  const behaviours = new Map<string, Behaviour>();
  const context = { store, cacheFolder: '/nowhere', host: { close: async () => {} } } as never;
  const work = async (input: StepInput) => {
    const { run, step, fingerprint } = input;
    const { failures = 0, broken = false, ms = 0 } = behaviours.get(`${run}/${step}`) ?? behaviours.get(step) ?? {};
    const { attempt } = activityInfo();
    const result = await unlessFinished(context, { run, step, fingerprint }, async () => {
      events.push({ what: 'start', run, step });
      if (ms > 0) await withHeartbeats(() => Promise.race([sleep(ms), cancelled()]));
      if (broken || attempt <= failures) {
        events.push({ what: 'error', run, step });
        throw ApplicationFailure.create({ message: 'as the test wants it', type: 'Scripted', nonRetryable: broken });
      }
      const { by, command } = input.parameters as { by?: number[]; command?: number[] };
      const [value = 0] = by ?? command ?? [];
      const done = await finishStep(
        context,
        input,
        command ? { items: itemsOf(value) } : { index: 0, value, mean: value, deviation: 0, count: 1 },
      );
      events.push({ what: 'done', run, step });
      return done;
    });
    return { result, attempt };
  };
  /** Epochs that take no time; the loss falls. */
  const epochs: TrainEpochStepInput[] = [];
  const trainEpoch = async (input: TrainEpochStepInput) => {
    const { run, step, epoch } = input;
    epochs.push(input);
    events.push({ what: 'done', run, step: `${step}#${epoch}` });
    const metrics = { loss: 1 / epoch, learningRate: 0.1, imagesPerSecond: 1000, seconds: 1 };
    const result = { epoch, digest: `${epoch}`.padStart(64, '0'), metrics, best: { epoch, loss: 1 / epoch } };
    // In the run `lost`, epoch 2 finds no checkpoint of the first.
    const lost = run === 'lost' && epoch === 2 ? { withoutCheckpoint: { of: 1, from: 0 } } : {};
    return { result: { ...result, resumedFrom: null, rejected: [], ...lost }, attempt: 1 };
  };
  const finishTraining = async ({ recorded }: FinishTrainingStepInput) => ({ result: { ...recorded }, attempt: 1 });
  /** Shards that take no time. */
  const embedding = {
    planEmbedding: async ({ run, step }: StepInput) => {
      events.push({ what: 'start', run, step });
      return {
        result: { folder: 'f', rows: 1500, images: 1500, shards: 150, shardImages: 10, rejected: 0 },
        attempt: 1,
      };
    },
    embedShard: async ({ run, step, shard }: EmbedShardInput) => {
      events.push({ what: 'done', run, step: `${step}#${shard}` });
      return { result: { images: 10 }, attempt: 1 };
    },
    // In the run `gone`, what the plan counts on is always gone.
    gatherEmbedding: async ({ run, mayPlanAgain }: GatherEmbeddingInput) => {
      if (run !== 'gone') return { result: { images: 1500 }, attempt: 1 };
      if (mayPlanAgain) return { result: null, attempt: 1 };
      throw ApplicationFailure.create({ message: 'it is gone', type: 'CorruptArtifact', nonRetryable: true });
    },
  };
  const real = createActivities(context);
  const beforeLookUps = new Map<string, () => Promise<void>>();
  const lookUpStep: typeof real.lookUpStep = async (input) => {
    await beforeLookUps.get(`${input.run}/${input.step}`)?.();
    return real.lookUpStep(input);
  };
  const activities = { ...real, lookUpStep, choose: work, run: work, trainEpoch, finishTraining, ...embedding };
  const shared = { connection: environment.nativeConnection, activities };
  /** @returns how to stop it */
  const startWorker = async (code: string) => {
    const [workflowBundle, maxConcurrentActivityTaskExecutions] = [{ code }, 50];
    const workers = await Promise.all([
      Worker.create({ ...shared, taskQueue: 'contrail', workflowBundle, maxConcurrentActivityTaskExecutions }),
      Worker.create({
        ...shared,
        taskQueue: 'cpu',
        maxConcurrentActivityTaskExecutions: 200,
        maxHeartbeatThrottleInterval: '200ms',
      }),
    ]);
    const ended = Promise.all(workers.map((worker) => worker.run()));
    return async () => {
      for (const worker of workers) worker.shutdown();
      await ended;
    };
  };
  let stopWorker = await startWorker(firstCode ?? (await workflowCode()));
  return {
    environment,
    store,
    events,
    behaviours,
    beforeLookUps,
    epochs,
    upgrade: async (code) => {
      await stopWorker();
      stopWorker = await startWorker(code);
    },
    stop: async () => {
      await stopWorker();
      await environment.teardown();
    },
  };
}

/** An activity hears of a cancel in the answer to a heartbeat. */
async function withHeartbeats(work: () => Promise<void>): Promise<void> {
  const timer = setInterval(() => heartbeat(), 100);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}

/** The server has five seconds to come up, which a busy machine may need more than once. */
export async function startServer(extraArgs: string[]): Promise<TestWorkflowEnvironment> {
  for (let attempt = 1; ; attempt++)
    try {
      return await TestWorkflowEnvironment.createLocal({
        server: {
          executable: { type: 'existing-path', path: temporalBinary() },
          searchAttributes: [...searchAttributes],
          extraArgs,
          log: { format: 'pretty', level: 'error' },
        },
      });
    } catch (error) {
      if (attempt === 5) throw error;
    }
}

/** A step whose work is small: the result's `value` is `value`. */
export const step = (
  id: string,
  needs: readonly string[] = [],
  { value = 1, ...rest }: Partial<PlannedStep> & { readonly value?: number } = {},
): PlannedStep => ({
  id,
  uses: 'choose',
  version: 1,
  needs: [...needs],
  with: { by: [value], goal: 'highest' },
  inputs: {},
  queue: 'cpu',
  retry: { initialInterval: 10, maximumInterval: 20, maximumAttempts: 3 },
  timeoutMs: 60_000,
  ...rest,
});

/** A step whose result has `items`, as its value says. */
export const listStep = (id: string, needs: readonly string[], value: number, rest: Partial<PlannedStep> = {}) =>
  step(id, needs, { ...rest, uses: 'run', with: { command: [value] } });

/** A step that waits for a person. */
export const approveStep = (id: string, parameters: object, needs: readonly string[] = []): PlannedStep =>
  step(id, needs, { uses: 'approve', with: { onTimeout: 'reject', ...parameters } as PlannedStep['with'] });

export const planOf = (steps: readonly PlannedStep[], rest: Partial<Plan> = {}): Plan => ({
  name: 'test',
  params: {},
  steps: [...steps],
  ...rest,
});
