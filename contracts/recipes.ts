import { isMapping, type Json } from './json.ts';

/** Settings that go together, under a name that stands for them in a pipeline: `with: { recipe: tutorial }`. */
export interface Recipe {
  readonly description: string;
  readonly with: { readonly [parameter: string]: Json };
}

/** By name. */
export type Recipes = Readonly<Record<string, Recipe>>;

/**
 * The settings of a recipe, where the pipeline does not say otherwise. Mappings are put together key by key; one that has another
 * `name` (another optimizer, say) takes the place of the recipe's, and so does another loss, whose name is its key.
 */
export function withRecipe(recipe: Recipe['with'], given: Recipe['with']): Record<string, Json> {
  // A map, since a key may be called as a member that every object has.
  const merged = new Map<string, Json>(Object.entries(recipe));
  for (const [key, value] of Object.entries(given)) {
    const before = merged.get(key);
    const both = isMapping(before) && isMapping(value) && isSameChoice(key, before, value);
    merged.set(key, both ? withRecipe(before, value) : value);
  }
  return Object.fromEntries(merged);
}

const isSameChoice = (key: string, before: Recipe['with'], value: Recipe['with']) =>
  key === 'loss'
    ? Object.keys(value).some((name) => Object.hasOwn(before, name))
    : value.name === undefined || value.name === before.name;

/** What each is, in a sentence. */
export const recipesText = (recipes: Recipes): string =>
  `settings that go together; each may be given besides: ${Object.entries(recipes)
    .map(([name, { description }]) => `${name}: ${description}`)
    .join('; ')}`;

/** Those of `pretrain`. Each value is that of the source; `small-data` was chosen on images of our own. */
export const pretrainRecipes = {
  tutorial: {
    description: "what Keras's tutorial on SupCon does, with the projection head that it describes: 512, then 128",
    with: {
      encoder: { name: 'resnet50v2', stem: 'imagenet' },
      projection: { hidden: 512, output: 128 },
      loss: { supcon: { temperature: 0.05 } },
      augmentation: { flip: 0.5, rotation: 0.02, zoom: 0.2 },
      optimizer: { name: 'adam', learningRate: 0.001 },
      batch: 265,
      epochs: 50,
    },
  },
  'supcon-paper': {
    description:
      'the settings of arXiv:2004.11362 for CIFAR, as in the code that its authors published: for small images and a GPU',
    with: {
      encoder: { name: 'resnet50v2', stem: 'cifar' },
      projection: { hidden: 2048, output: 128 },
      loss: { supcon: { temperature: 0.1 } },
      augmentation: 'simclr',
      optimizer: { name: 'sgd', learningRate: 0.5, momentum: 0.9, weightDecay: 0.0001 },
      schedule: { name: 'cosine', warmupEpochs: 10, finalFraction: 0.001 },
      batch: 1024,
      epochs: 1000,
    },
  },
  'small-data': {
    description:
      'for hundreds to some thousand images, in classes of very different sizes, on a CPU: each batch holds as many of each of its classes, and an epoch has 50 steps at least',
    with: {
      encoder: { name: 'small-resnet', channels: 16, blocks: [1, 1, 1] },
      projection: { hidden: 128, output: 64 },
      loss: { supcon: { temperature: 0.1 } },
      augmentation: { flip: 0.5, rotation: 0.03, zoom: 0.1 },
      optimizer: { name: 'sgd', learningRate: 0.2, weightDecay: 0.0001 },
      schedule: { name: 'cosine', warmupEpochs: 1 },
      batch: 128,
      sampler: { balanced: { perClass: 16 } },
      minimumSteps: 50,
      epochs: 40,
    },
  },
  'fine-tune': {
    description:
      'for weights from elsewhere (`initialWeights`): small learning rates, smaller still for early stages, averaged weights, as ConvNeXt and BEiT are fine-tuned',
    with: {
      normalise: 'imagenet',
      loss: { supcon: { temperature: 0.1 } },
      augmentation: 'photos',
      optimizer: { name: 'adam', learningRate: 0.0003, weightDecay: 0.05 },
      schedule: { name: 'cosine', warmupEpochs: 1 },
      layerDecay: 0.75,
      dropPath: 0.1,
      ema: { decay: 0.999 },
      clip: { norm: 1 },
      batch: 64,
      epochs: 20,
    },
  },
} as const satisfies Recipes;
