import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { DatasetAbout } from '../contracts/artifacts.ts';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { describeWeights, type HubWeights, type InitialWeights, isFromHub } from '../contracts/initial-weights.ts';
import type { LoadEncoderParameters } from '../contracts/kinds/load-encoder.ts';
import { someOf } from '../contracts/some-of.ts';
import type { EncoderConfig, TrainingConfig } from '../contracts/training.ts';
import { visible } from '../contracts/visible-text.ts';
import type { StoredTensor } from '../store/index.ts';
import { type LoadedWeights, loadWeights } from '../weights/index.ts';
import { imageFormatOf, requireChannels } from './image-format.ts';
import { createEncoder } from './models/create-encoder.ts';
import type { ParameterSpec } from './parameters.ts';
import { type JobContext, JobStopped, stopIfAsked } from './process/job.ts';
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

/** What reading needs of a job: a large file takes minutes, in which a person may stop it, and a silent trainer counts as hung. */
type Reading = Pick<JobContext, 'progress' | 'stopRequested'>;

const weightsMissing = (weights: HubWeights, why: string) =>
  new ContrailError('WeightsMissing', `initialWeights: ${describeWeights(weights)} ${why}. The worker fetches them.`);

/**
 * Puts the weights that the config names into the encoder. The file may use the names and layouts of timm, transformers or Keras;
 * the projection head always starts anew.
 *
 * @param fetched where weights of the hub are
 * @throws ContrailError InvalidInput that says what is wrong with the file, by the weight's name
 * @throws ContrailError WeightsMissing where a fetched file is gone or damaged
 * @throws JobStopped where the job is asked to stop meanwhile
 */
export async function startFromInitialWeights(
  { config, model, execution }: Pick<TrainingSession, 'config' | 'model' | 'execution'>,
  fetched?: string,
  context?: Reading,
): Promise<void> {
  const { initialWeights } = config;
  if (!initialWeights) return;
  const { parameters } = model.encoder;
  await requireFetchedWeights(config, fetched);
  const loaded = await readWeights('initialWeights', initialWeights, { ...config, parameters }, context, fetched);
  writeState(parameters, execution, loaded.tensors);
}

/**
 * An encoder with weights from elsewhere, for the images of a data set.
 *
 * @returns its weights by its own names; the images that it takes, normalised as is asked for; and the length of an embedding
 * @throws ContrailError InvalidInput that says what is wrong with the file, by the weight's name
 */
export async function loadEncoderWeights(
  { encoder, weights, normalise }: LoadEncoderParameters,
  dataset: Pick<DatasetAbout, 'image' | 'mean' | 'deviation'>,
  context?: Reading,
) {
  const image = imageFormatOf(dataset, normalise);
  const { parameters, channels, dimension } = createEncoder(encoder, image);
  requireChannels(image, channels);
  const { tensors, names } = await readWeights('weights', weights, { encoder, parameters }, context);
  return { image, dimension, names, tensors: parameters.map(({ name }) => tensors.get(name) as StoredTensor) };
}

/** @param as what a pipeline calls them */
async function readWeights(
  as: string,
  weights: InitialWeights,
  { encoder, parameters }: { readonly encoder: EncoderConfig; readonly parameters: readonly ParameterSpec[] },
  context: Reading | undefined,
  fetched?: string,
): Promise<LoadedWeights> {
  const title = `${as}: ${describeWeights(weights)}`;
  const { sha256, names } = weights;
  const wanted = { encoder: encoder.name, settings: encoder, wanted: parameters, names };
  const onRead = (done: number, total: number) => {
    // Nothing was trained yet, so nothing is lost.
    if (context) stopIfAsked(context);
    const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
    context?.progress({ phase: 'reading weights', done: percent, total: 100, unit: '%' });
  };
  const loaded = await (isFromHub(weights)
    ? loadWeights(
        {
          path: fetched ?? '',
          sha256,
          title,
          otherDigest: () => weightsMissing(weights, 'were damaged after they were fetched'),
        },
        wanted,
        onRead,
      )
    : loadWeights({ path: weights.path ?? '', sha256, title }, wanted, onRead).catch((error: unknown) => {
        if (isContrailError(error) || error instanceof JobStopped) throw error;
        throw unreadable(title, resolve(weights.path ?? ''), error);
      }));
  // A trainer's lines are in the run's log.
  console.info(describeLoaded(title, loaded));
  return loaded;
}

/** A relative path is one from where the worker was started, which the message's reader may not know. */
function unreadable(title: string, path: string, error: unknown): ContrailError {
  const isMissing = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
  const reason = error instanceof Error ? error.message : String(error);
  return new ContrailError(
    'InvalidInput',
    isMissing
      ? `${title} is not there: the worker has no file ${path}. Put it there, or name it by its absolute path; a relative one begins where the worker was started.`
      : `${title} cannot be read: ${path} (${reason}). Let the worker read it, or name another file.`,
    { cause: error },
  );
}

/** @returns what was read, and what was left out */
const describeLoaded = (title: string, { names, tensors, leftovers }: LoadedWeights): string =>
  `${title}: ${tensors.size} weights, by the names of ${names === 'contrail' ? 'Contrail' : names}.${leftovers.length > 0 ? ` Not needed: ${visible(someOf(leftovers))}.` : ''}`;
