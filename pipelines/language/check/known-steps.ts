import type { z } from 'zod';
import type { Json } from '../../../contracts/json.ts';
import { largestRawSide, preparationParameters, prepareDataParameters } from '../../../contracts/kinds/prepare-data.ts';
import { pretrainParameters } from '../../../contracts/kinds/pretrain.ts';
import { trainClassifierParameters } from '../../../contracts/kinds/train-classifier.ts';
import type { PlannedStep } from '../../../contracts/plan.ts';
import type { ReplicasSetting, TrainingConfig } from '../../../contracts/training.ts';
import { encoderKindNames } from '../../../contracts/training-kinds.ts';
import { findReferences } from '../expressions/references.ts';

/** What can be known of the steps of a plan before any of them has run. */

export type PlannedSteps = ReadonlyMap<string, PlannedStep>;
type Input = PlannedStep['inputs'][string] | undefined;
type Given = Readonly<Record<string, Json>>;

/** Parameters, of which those that wait for the results of steps are as if they were not written. */
export interface Known<Values> {
  readonly values: Values;
  /** Those that wait. */
  readonly isOpen: (name: string) => boolean;
}

/** Null where what waits leaves nothing that can be read. */
export function knownParameters<Schema extends z.ZodType>(given: Given, schema: Schema): Known<z.infer<Schema>> | null {
  const open = new Set(findReferences(given).map(({ path }) => String(path[0])));
  const parsed = schema.safeParse(Object.fromEntries(Object.entries(given).filter(([name]) => !open.has(name))));
  return parsed.success ? { values: parsed.data, isOpen: (name) => open.has(name) } : null;
}

/** The config of a training, and how many devices its batches are shared out to. */
export type TrainingSettings = TrainingConfig & { readonly replicas?: ReplicasSetting | undefined };

/** The settings of a training; null of a step that is none. */
export function knownTraining({ uses, with: given }: PlannedStep): Known<TrainingSettings> | null {
  if (uses === 'pretrain') return knownParameters(given, pretrainParameters);
  return uses === 'train-classifier' ? knownParameters(given, trainClassifierParameters) : null;
}

/** What is known of a data set. Null is not known. */
export interface KnownData {
  /** The step that prepares it. */
  readonly step: string;
  /** Side of the images in pixels. */
  readonly side: number | null;
  readonly channels: 1 | 3 | null;
  /** Whether its images can have a category, and labels besides their class. */
  readonly categories: boolean;
  readonly labels: boolean;
}

export function knownData(steps: PlannedSteps, input: Input): KnownData | null {
  const maker = input && steps.get(input.step);
  if (!maker) return null;
  if (maker.uses === 'prepare-data') return ofPreparation(maker.id, maker.with);
  if (maker.uses !== 'run') return null;
  const { [input.field]: output } = (maker.with.outputs ?? {}) as Readonly<Record<string, Given>>;
  // A folder of images that a program makes is prepared like any other.
  if (!output || findReferences(output.dataset ?? null).length > 0) return null;
  const { dataset: _, ...form } = output;
  return ofPreparation(maker.id, form, 'image-folder');
}

function ofPreparation(step: string, given: Given, program?: 'image-folder'): KnownData | null {
  const known = program ? knownParameters(given, preparationParameters) : knownParameters(given, prepareDataParameters);
  if (!known) return null;
  const { values, isOpen } = known;
  const { size, encoding } = values;
  const { dataset, columns, generated } = program
    ? { dataset: program, columns: undefined, generated: undefined }
    : (values as z.infer<typeof prepareDataParameters>);
  const isTable = dataset === 'table';
  const isKept = encoding !== undefined || size > largestRawSide;
  const ofSource = { cifar10: 3, mnist: 1, 'fashion-mnist': 1, generated: generated?.channels ?? 1 } as const;
  const found =
    values.channels ?? (isKept ? 3 : dataset in ofSource ? ofSource[dataset as keyof typeof ofSource] : null);
  return {
    step,
    side: isOpen('size') ? null : size,
    channels: ['channels', 'encoding', 'size', 'generated'].some(isOpen) ? null : found,
    categories: isTable && (isOpen('columns') || columns?.category !== false),
    labels: isTable && (isOpen('columns') || columns?.labels !== undefined),
  };
}

/** The step that an encoder is by: a training, weights from elsewhere, or an adapter. Null where several may be chosen from. */
export function encoderMaker(steps: PlannedSteps, input: Input): PlannedStep | null {
  const maker = input && steps.get(input.step);
  return maker && encoderKindNames.includes(maker.uses) ? maker : null;
}

/** The step whose embeddings an adapter learns from. */
export function embedStepOf(steps: PlannedSteps, { inputs }: PlannedStep): PlannedStep | null {
  const maker = inputs.embeddings && steps.get(inputs.embeddings.step);
  return maker?.uses === 'embed' ? maker : null;
}

/** The data set whose form an encoder's images have. The steps must have no cycle. */
export function dataOfEncoder(steps: PlannedSteps, maker: PlannedStep | null): KnownData | null {
  if (!maker) return null;
  if (maker.uses !== 'adapt') return knownData(steps, maker.inputs.dataset);
  const embed = embedStepOf(steps, maker);
  return dataOfEncoder(steps, embed && encoderMaker(steps, embed.inputs.encoder));
}
