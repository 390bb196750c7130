import { ContrailError } from '../contracts/errors.ts';
import type { TrainingConfig } from '../contracts/training.ts';

/**
 * Refuses to train on the CPU where a GPU is asked for: TensorFlow falls back without a word, and a training of days becomes one of
 * months.
 *
 * @param required `gpu`, or anything else for no demand
 * @throws ContrailError SetupFailed
 */
export function requireDevice(required: string | undefined, found: 'cpu' | 'gpu'): void {
  if (required === 'gpu' && found === 'cpu')
    throw new ContrailError(
      'SetupFailed',
      'A GPU is asked for (CONTRAIL_DEVICE, or `contrail setup --device gpu`), and TensorFlow computes on the CPU. `contrail doctor` on this machine says what is missing. To train on the CPU all the same, start the worker with CONTRAIL_DEVICE=any, or run `contrail setup --device cpu`.',
    );
}

const outOfMemory = /OOM when allocating|RESOURCE_EXHAUSTED|CUDA_ERROR_OUT_OF_MEMORY/;
/** What TensorFlow says of the allocation that failed. */
const allocation = /OOM when allocating tensor with shape\s?(\[[\d,]*\])(?: and type \w+)?(?: on (\S+))?/;

/**
 * The error of a step, with the remedy where it ran out of memory: the same batch would again.
 *
 * @returns ContrailError BatchTooLarge, or the error itself
 */
export function explainMemory(
  error: unknown,
  { batch, microbatch }: Pick<TrainingConfig, 'batch' | 'microbatch'>,
): unknown {
  const message = error instanceof Error ? error.message : String(error);
  if (!outOfMemory.test(message)) return error;
  const [, shape, place = ''] = allocation.exec(message) ?? [];
  const where = /CPU/i.test(place) ? 'the memory of this machine' : 'the memory of the GPU';
  const tensor = shape ? ` A tensor of ${shape} was one too many.` : '';
  const at = microbatch ?? batch;
  const remedy =
    at > 1
      ? `Set \`microbatch\` to a divisor of ${batch} below ${at}, or \`batch\` to less; the loss stays that of the whole batch.`
      : 'Not even one image at a time fits: take a smaller encoder.';
  return new ContrailError(
    'BatchTooLarge',
    `A step of ${at} images at a time${at === batch ? '' : ` (batch: ${batch})`} does not fit ${where}.${tensor} ${remedy} Another program that holds memory of it leaves less.`,
    { cause: error },
  );
}
