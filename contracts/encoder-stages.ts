import type { z } from 'zod';
import { describeUnknownStage, type FreezeConfig } from './fine-tuning.ts';
import type { EncoderConfig } from './training.ts';

type StagesOf<Name extends EncoderConfig['name']> = (
  config: Extract<EncoderConfig, { name: Name }>,
) => readonly string[];

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, at) => `${name}${at}`);

const stagesOf: { readonly [Name in EncoderConfig['name']]: StagesOf<Name> } = {
  resnet50v2: () => ['stem', 'conv2', 'conv3', 'conv4', 'conv5', 'post'],
  resnet50: () => ['stem', 'layer1', 'layer2', 'layer3', 'layer4'],
  convnext: () => ['stem', ...numbered('stages.', 4), 'norm'],
  vit: () => ['embed', ...numbered('blocks.', 12), 'norm'],
  mobilenetv3: ({ size }) => ['conv_stem', ...numbered('blocks.', size === 'small' ? 6 : 7), 'conv_head'],
  'small-resnet': ({ blocks }) => ['stem', ...blocks.map((_, index) => `stage${index + 1}`), 'post'],
};

/** The stages of an encoder from input to output, as `freeze` names them and its model has them. */
export const stageNames = (config: EncoderConfig): readonly string[] =>
  (stagesOf[config.name] as (config: EncoderConfig) => readonly string[])(config);

/** What to write in place of a text that `freeze` does not take: the stage that it names, or one of those that there are. */
export function freezeHint(encoder: EncoderConfig, given: string): string {
  const stages = stageNames(encoder);
  return stages.includes(given)
    ? `; write { until: ${given} }`
    : `; the stages of ${encoder.name} are ${stages.join(', ')}`;
}

/** Refuses a stage that the encoder does not have. */
export function checkFreeze(
  { encoder, freeze }: { readonly encoder: EncoderConfig; readonly freeze?: FreezeConfig | undefined },
  context: z.core.$RefinementCtx,
): void {
  if (freeze === undefined || freeze === 'all') return;
  const stages = stageNames(encoder);
  if (stages.includes(freeze.until)) return;
  const message = describeUnknownStage(encoder.name, freeze.until, stages);
  context.addIssue({ code: 'custom', path: ['freeze', 'until'], message });
}
