import { cancellationSignal } from '@temporalio/activity';
import type { StepKey } from '../contracts/identifiers.ts';
import type { InitialWeights } from '../contracts/initial-weights.ts';
import type { Json } from '../contracts/json.ts';
import type { TrainerProgress } from '../contracts/trainer.ts';
import { hubSettings, hubWeights, withHubWeights } from '../weights/index.ts';
import { type ActivityContext, withHeartbeat } from './context.ts';

/**
 * Does work in a trainer, with the weights of the hub that it needs. The worker fetches them, since it has the token, and heartbeats
 * meanwhile.
 */
export function withInitialWeights<T>(
  { cacheFolder, say }: ActivityContext,
  key: StepKey,
  weights: InitialWeights | undefined,
  work: (weightsFile: { readonly weightsFile?: string }) => Promise<T>,
): Promise<T> {
  return withHubWeights(
    weights,
    cacheFolder,
    (wanted) =>
      withHeartbeat((report) =>
        hubWeights(wanted, {
          settings: hubSettings(process.env),
          cacheFolder,
          signal: cancellationSignal(),
          log: (line) => say(key, line),
          onProgress: (done, total) => report(fetching(done, total) as unknown as Json),
        }),
      ),
    (weightsFile) => work(weightsFile === undefined ? {} : { weightsFile }),
  );
}

const fetching = (done: number, total: number | null): TrainerProgress => ({
  phase: 'fetching initial weights',
  done: total === null ? 0 : Math.floor((100 * done) / Math.max(1, total)),
  total: 100,
  unit: '%',
});
