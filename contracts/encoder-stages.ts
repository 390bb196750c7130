import type { z } from 'zod';
import { describeUnknownStage, type FreezeConfig } from './fine-tuning.ts';
import type { EncoderConfig } from './training.ts';

type StagesOf<Name extends EncoderConfig['name']> = (
  config: Extract<EncoderConfig, { name: Name }>,
) => readonly string[];

const stagesOf: { readonly [Name in EncoderConfig['name']]?: StagesOf<Name> } = {
  resnet50v2: () => ['stem', 'conv2', 'conv3', 'conv4', 'conv5', 'post'],
  'small-resnet': ({ blocks }) => ['stem', ...blocks.map((_, index) => `stage${index + 1}`), 'post'],
};

/**
 * The stages of an encoder from input to output, as `freeze` names them and its model has them; undefined where
 * only the model knows.
 */
export const stageNames = (config: EncoderConfig): readonly string[] | undefined =>
  (stagesOf[config.name] as ((config: EncoderConfig) => readonly string[]) | undefined)?.(config);

/** Refuses a stage that the encoder does not have. Of encoders whose stages follow from more than their config, the training says it. */
export function checkFreeze(
  { encoder, freeze }: { readonly encoder: EncoderConfig; readonly freeze?: FreezeConfig | undefined },
  context: z.core.$RefinementCtx,
): void {
  if (freeze === undefined || freeze === 'all') return;
  const stages = stageNames(encoder);
  if (!stages || stages.includes(freeze.until)) return;
  const message = describeUnknownStage(encoder.name, freeze.until, stages);
  context.addIssue({ code: 'custom', path: ['freeze', 'until'], message });
}
