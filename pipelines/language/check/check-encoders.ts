import { isMapping } from '../../../contracts/json.ts';
import { loadEncoderParameters } from '../../../contracts/kinds/load-encoder.ts';
import { pretrainParameters } from '../../../contracts/kinds/pretrain.ts';
import type { PlannedStep } from '../../../contracts/plan.ts';
import { pretrainRecipes } from '../../../contracts/recipes.ts';
import { describe } from '../read/matrix.ts';
import type { ReadStep } from '../read/read-step.ts';
import { baseOf } from '../read/written.ts';
import {
  dataOfEncoder,
  embedStepOf,
  encoderMaker,
  knownData,
  knownParameters,
  knownTraining,
  type PlannedSteps,
} from './known-steps.ts';
import { channelMistakes, encoderMistakes, type Mistake, trainingMistakes } from './training-mistakes.ts';

/** A mistake in the step that it is of. */
export interface Placed extends Mistake {
  readonly step: PlannedStep;
}

/**
 * Checks what encoders, what they learn from and what uses them are to each other, before anything is read. Only what is certain is a
 * mistake: what waits for the result of a step, or is in a file that was not looked into, is left to the run.
 *
 * @param planned steps that were planned, without a cycle
 * @param begun whether the trainings may have checkpoints: what is frozen then is not noise
 */
export function checkEncoders(
  planned: readonly PlannedStep[],
  read: ReadonlyMap<string, ReadStep>,
  begun: boolean,
): void {
  const steps: PlannedSteps = new Map(planned.map((step) => [step.id, step]));
  const told = new Set<string>();
  for (const step of planned)
    for (const mistake of [
      ...(begun ? [] : startMistakes(step, read)),
      ...trainingStepMistakes(step, steps),
      ...loadedMistakes(step, steps),
      ...adapterMistakes(step, steps),
      ...projectionMistakes(step, steps),
      ...sizeMistakes(step, steps),
    ])
      tell(mistake, read, told);
}

/** Once is enough for all of a matrix. */
function tell({ step, path, message }: Placed, read: ReadonlyMap<string, ReadStep>, told: Set<string>): void {
  const { written, members } = read.get(baseOf(step.id)) ?? {};
  const place = [baseOf(step.id), ...path].join('.');
  if (!written || told.has(place)) return;
  told.add(place);
  const where = step.matrix && (members?.length ?? 0) > 1 ? ` (where ${describe(step.matrix.values)})` : '';
  written.scope.report.at([...written.path, 'with', ...path], message + where);
}

/** Settings that are for weights, where a training begins from noise. */
function startMistakes(step: PlannedStep, read: ReadonlyMap<string, ReadStep>): Placed[] {
  if (!knownTraining(step) || step.with.initialWeights !== undefined) return [];
  const member = read.get(baseOf(step.id))?.members.find(({ id }) => id === step.id);
  const { recipe } = (member?.definition.with ?? {}) as { readonly recipe?: unknown };
  const add = 'add initialWeights, which `contrail weights show <file>` prints';
  const others = Object.keys(pretrainRecipes).filter((name) => name !== 'fine-tune');
  if (recipe === 'fine-tune')
    return [
      {
        step,
        path: ['recipe'],
        message: `recipe: fine-tune is for weights from elsewhere, and this training begins from noise; ${add}, or take another recipe: ${others.join(', ')}`,
      },
    ];
  return step.with.freeze === undefined || isRandomProjection(step.with)
    ? []
    : [
        {
          step,
          path: ['freeze'],
          message: `freeze keeps weights as they are, and this training begins from noise; ${add}, or leave freeze out`,
        },
      ];
}

/**
 * A random projection of the patches that is never trained, from which a vision transformer learns more steadily (MoCo v3,
 * arXiv:2104.02057, section 4). No other noise is kept on purpose.
 */
const isRandomProjection = ({ encoder, freeze }: PlannedStep['with']): boolean =>
  isMapping(encoder) && encoder.name === 'vit' && isMapping(freeze) && freeze.until === 'embed';

/** What the settings of a training are to each other and to its data. */
export function trainingStepMistakes(step: PlannedStep, steps: PlannedSteps): Placed[] {
  const training = knownTraining(step);
  if (!training) return [];
  return trainingMistakes(training, knownData(steps, step.inputs.dataset)).map((mistake) => ({ step, ...mistake }));
}

function loadedMistakes(step: PlannedStep, steps: PlannedSteps): Placed[] {
  const known = step.uses === 'load-encoder' ? knownParameters(step.with, loadEncoderParameters) : null;
  if (!known) return [];
  const { encoder, normalise } = known.values;
  const data = knownData(steps, step.inputs.dataset);
  return [
    ...encoderMistakes(encoder, data),
    ...(known.isOpen('normalise') ? [] : channelMistakes(encoder, normalise, data)),
  ].map((mistake) => ({ step, ...mistake }));
}

/** An adapter is put on an encoder that has none, and learns from training images. */
function adapterMistakes(step: PlannedStep, steps: PlannedSteps): Placed[] {
  const embed = step.uses === 'adapt' ? embedStepOf(steps, step) : null;
  if (!embed) return [];
  const before = encoderMaker(steps, embed.inputs.encoder);
  const { splits } = embed.with;
  return [
    ...(before?.uses === 'adapt'
      ? [
          {
            step,
            path: ['embeddings'],
            message: `an encoder can have one adapter, and that of the embeddings of step ${embed.id} has the one of step ${before.id}; embed the data with the encoder that it was put on`,
          },
        ]
      : []),
    ...(Array.isArray(splits) && splits.every((name) => typeof name === 'string' && !/^train$|\$\{/.test(name))
      ? [
          {
            step: embed,
            path: ['splits'],
            message: `splits must have train: step ${step.id} learns from the training images`,
          },
        ]
      : []),
  ];
}

function projectionMistakes(step: PlannedStep, steps: PlannedSteps): Placed[] {
  if (step.uses !== 'retrieval' || step.with.of !== 'projection') return [];
  const maker = encoderMaker(steps, step.inputs.encoder);
  const why = maker && whyHeadless(maker);
  if (!why) return [];
  return [
    {
      step,
      path: ['of'],
      message: `of: projection needs a projection head, and the encoder of step ${maker.id} has none: ${why}; leave of out, and images are compared by their embeddings`,
    },
  ];
}

/** Why an encoder has no projection head; null where it has one, or where that is not known. */
function whyHeadless(maker: PlannedStep): string | null {
  switch (maker.uses) {
    case 'train-classifier':
      return 'it is trained with a classifier';
    case 'load-encoder':
      return 'weights from elsewhere have none';
    case 'adapt':
      return 'it has an adapter';
    default: {
      const known = knownParameters(maker.with, pretrainParameters);
      return known && !known.isOpen('projection') && known.values.projection === 'none'
        ? 'it is trained with projection: none'
        : null;
    }
  }
}

/** Kinds that look at the images of a data set as they are. */
const measuring: readonly PlannedStep['uses'][] = ['embed', 'linear-probe', 'evaluate', 'robustness', 'retrieval'];

/** An encoder takes images of one size. */
function sizeMistakes(step: PlannedStep, steps: PlannedSteps): Placed[] {
  if (!measuring.includes(step.uses)) return [];
  const maker = encoderMaker(steps, step.inputs.encoder);
  const [trained, used] = [dataOfEncoder(steps, maker), knownData(steps, step.inputs.dataset)];
  if (trained?.side == null || used?.side == null || trained.side === used.side) return [];
  return [
    {
      step,
      path: ['dataset'],
      message: `the encoder of step ${maker?.id} takes images of ${trained.side} x ${trained.side}, and those of step ${used.step} are ${used.side} x ${used.side}; prepare both with the same size`,
    },
  ];
}
