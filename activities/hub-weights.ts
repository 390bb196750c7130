import { cancellationSignal } from '@temporalio/activity';
import type { StepKey } from '../contracts/identifiers.ts';
import type { HubWeights, InitialWeights } from '../contracts/initial-weights.ts';
import type { Json } from '../contracts/json.ts';
import type { TrainerProgress } from '../contracts/trainer.ts';
import { hubSettings, hubWeights, withHubWeights } from '../weights/index.ts';
import { type ActivityContext, withHeartbeat } from './context.ts';

/** Fetches weights of the hub, unless they are there; heartbeats meanwhile. @returns where they are */
export const fetchWeights = (
  { cacheFolder, say }: ActivityContext,
  key: StepKey,
  wanted: HubWeights,
): Promise<string> =>
  withHeartbeat((report) =>
    hubWeights(wanted, {
      settings: hubSettings(process.env),
      cacheFolder,
      signal: cancellationSignal(),
      log: (line) => say(key, line),
      onProgress: (done, total) => report(fetching(done, total) as unknown as Json),
    }),
  );

/**
 * Does work in a trainer, with the weights of the hub that it needs. The worker fetches them, since it has the token, and heartbeats
 * meanwhile.
 */
export function withInitialWeights<T>(
  context: ActivityContext,
  key: StepKey,
  weights: InitialWeights | undefined,
  work: (weightsFile: { readonly weightsFile?: string }) => Promise<T>,
): Promise<T> {
  return withHubWeights(
    weights,
    context.cacheFolder,
    (wanted) => fetchWeights(context, key, wanted),
    (weightsFile) => work(weightsFile === undefined ? {} : { weightsFile }),
  );
}

const fetching = (done: number, total: number | null): TrainerProgress => ({
  phase: 'fetching initial weights',
  done: total === null ? 0 : Math.floor((100 * done) / Math.max(1, total)),
  total: 100,
  unit: '%',
});
