import { ContrailError } from '../contracts/errors.ts';
import { describeUnknownStage, type FreezeConfig } from '../contracts/fine-tuning.ts';
import type { EncoderStage } from './models/encoder.ts';

/**
 * The names of the parameters that `freeze` keeps as they are: of all stages, or of those from the input up to one,
 * itself included.
 *
 * @throws ContrailError InvalidInput for a stage that the encoder does not have
 */
export function frozenParameters(
  encoder: string,
  stages: readonly EncoderStage[],
  freeze: FreezeConfig | undefined,
): ReadonlySet<string> {
  if (freeze === undefined) return new Set();
  const last = freeze === 'all' ? stages.length - 1 : stages.findIndex(({ name }) => name === freeze.until);
  if (freeze !== 'all' && last < 0) {
    const names = stages.map(({ name }) => name);
    throw new ContrailError('InvalidInput', `freeze.until ${describeUnknownStage(encoder, freeze.until, names)}.`);
  }
  return new Set(stages.slice(0, last + 1).flatMap(({ parameters }) => parameters));
}

/**
 * By how much the learning rate of each parameter is multiplied, by its name: decay to the power of the number of stages after
 * its own. What is not there, as the head is, has the full rate.
 *
 * Layer-wise decay as in BEiT (arXiv:2106.08254, appendix) and MAE (arXiv:2111.06377), by stages instead of blocks where a
 * stage has several.
 */
export function rateShares(stages: readonly EncoderStage[], decay: number | undefined): ReadonlyMap<string, number> {
  if (decay === undefined) return new Map();
  return new Map(
    stages.flatMap(({ parameters }, index) =>
      parameters.map((name) => [name, decay ** (stages.length - 1 - index)] as const),
    ),
  );
}
