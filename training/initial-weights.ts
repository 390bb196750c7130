import { access } from 'node:fs/promises';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { describeWeights, type HubWeights, isFromHub } from '../contracts/initial-weights.ts';
import { someOf } from '../contracts/some-of.ts';
import type { TrainingConfig } from '../contracts/training.ts';
import { visible } from '../contracts/visible-text.ts';
import { type LoadedWeights, loadWeights } from '../weights/index.ts';
import type { TrainingSession } from './session.ts';
import { writeState } from './state.ts';

/**
 * Weights of the hub are fetched by the worker, which has the token; the trainer is told where they are, or will be.
 *
 * @throws ContrailError WeightsMissing where a training begins that needs them, and they are not there
 */
export async function requireFetchedWeights(
  { initialWeights }: Pick<TrainingConfig, 'initialWeights'>,
  fetched: string | undefined,
): Promise<void> {
  if (!initialWeights || !isFromHub(initialWeights)) return;
  const isThere =
    fetched !== undefined &&
    (await access(fetched)
      .then(() => true)
      .catch(() => false));
  if (!isThere) throw weightsMissing(initialWeights, 'are not on this machine');
}

const weightsMissing = (weights: HubWeights, why: string) =>
  new ContrailError('WeightsMissing', `initialWeights: ${describeWeights(weights)} ${why}. The worker fetches them.`);

/**
 * Puts the weights that the config names into the encoder. The file may use the names and layouts of timm, transformers or Keras;
 * the projection head always starts anew.
 *
 * @param fetched where weights of the hub are
 * @throws ContrailError InvalidInput that says what is wrong with the file, by the weight's name
 * @throws ContrailError WeightsMissing where a fetched file is gone or damaged
 */
export async function startFromInitialWeights(
  { config, model, execution }: Pick<TrainingSession, 'config' | 'model' | 'execution'>,
  fetched?: string,
): Promise<void> {
  const { initialWeights } = config;
  if (!initialWeights) return;
  const title = `initialWeights: ${describeWeights(initialWeights)}`;
  const { sha256, names } = initialWeights;
  const { parameters } = model.encoder;
  const encoder = { encoder: config.encoder.name, wanted: parameters, names };
  let loaded: LoadedWeights;
  if (isFromHub(initialWeights)) {
    await requireFetchedWeights(config, fetched);
    const otherDigest = () => weightsMissing(initialWeights, 'were damaged after they were fetched');
    loaded = await loadWeights({ path: fetched as string, sha256, title, otherDigest }, encoder);
  } else {
    loaded = await loadWeights({ path: initialWeights.path ?? '', sha256, title }, encoder).catch((error: unknown) => {
      if (isContrailError(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new ContrailError('InvalidInput', `${title} cannot be read (${reason}).`);
    });
  }
  writeState(parameters, execution, loaded.tensors);
  // A trainer's lines are in the run's log.
  console.info(describeLoaded(title, loaded));
}

/** @returns what was read, and what was left out */
const describeLoaded = (title: string, { names, tensors, leftovers }: LoadedWeights): string =>
  `${title}: ${tensors.size} weights, by the names of ${names === 'contrail' ? 'Contrail' : names}.${leftovers.length > 0 ? ` Not needed: ${visible(someOf(leftovers))}.` : ''}`;
