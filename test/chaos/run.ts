import { setTimeout as sleep } from 'node:timers/promises';
import { type StartOptions, startRun } from '../../cli/runs.ts';
import { type ErrorCode, errorKinds } from '../../contracts/errors.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import type { World } from './world.ts';

/** Of a run, by step. */
export type Results = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export type End =
  | { readonly is: 'complete'; readonly results: Results }
  /** `code` is null for an error that is none of ours. */
  | { readonly is: 'failed'; readonly code: ErrorCode | null; readonly message: string };

const pollMs = 500;

/** Starts a run, or starts it again, though the server may be away just now. */
export async function start(
  world: World,
  run: string,
  text: string,
  resume: boolean,
  options: StartOptions = {},
): Promise<void> {
  const plan = parsePipeline({ text, file: 'chaos.yaml' });
  await startRun(world.client, world.store, run, plan, resume, { useCache: false, ...options });
}

/** Waits for the end of a run, also of one whose server comes and goes. */
export async function endOf(world: World, run: string): Promise<End> {
  for (;;) {
    try {
      const results = await world.client.client.workflow.getHandle(run).result();
      return { is: 'complete', results: results as Results };
    } catch (error) {
      const failure = failureOf(error);
      if (failure) return failure;
      await sleep(pollMs);
    }
  }
}

/** @throws Error when it does not complete */
export async function completeRun(world: World, run: string, text: string): Promise<Results> {
  await start(world, run, text, false);
  const end = await endOf(world, run);
  if (end.is === 'complete') return end.results;
  throw new Error(`${run}, which nothing was done to, failed: ${end.code} ${end.message}`);
}

/** What a workflow failed with; null where the server could not be asked. */
function failureOf(error: unknown): End | null {
  if (!(error instanceof Error) || error.name !== 'WorkflowFailedError') return null;
  let deepest: Error = error;
  while (deepest.cause instanceof Error) deepest = deepest.cause;
  const type = 'type' in deepest ? deepest.type : null;
  return { is: 'failed', code: isOurs(type) ? type : null, message: deepest.message };
}

const isOurs = (type: unknown): type is ErrorCode => typeof type === 'string' && Object.hasOwn(errorKinds, type);
