import { ContrailError } from '../../contracts/errors.ts';
import type { WeightNames } from '../../contracts/initial-weights.ts';
import { shortened } from '../../contracts/short-text.ts';
import { someOf } from '../../contracts/some-of.ts';
import { visible } from '../../contracts/visible-text.ts';
import { familyOf } from './families.ts';
import type { Family } from './family.ts';
import { type Recipe, shapeOf } from './recipe.ts';
import { encoderText, recognise, refusedSettings } from './recognise.ts';

/** A tensor as a file's header has it. */
export interface FileTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** A variable of an encoder. */
export interface Wanted {
  readonly name: string;
  readonly shape: readonly number[];
}

/** What the weights are for. */
export interface ForEncoder {
  /** The name of the encoder's config. */
  readonly encoder: string;
  /** Its other settings, for what is said where a file does not fit. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Its variables. */
  readonly wanted: readonly Wanted[];
  readonly names?: WeightNames | undefined;
}

/** How the weights of an encoder are made of the tensors of a file. */
export interface Match {
  readonly names: WeightNames;
  /** By the encoder's names; `from` are names in the file. */
  readonly recipes: ReadonlyMap<string, Recipe>;
  /** Tensors of the file that are not needed, by their names there. */
  readonly leftovers: readonly string[];
}

/** In front of all names of a file, where a model was saved inside another. */
const wrappers = ['module.', '_orig_mod.', 'model.', 'backbone.', 'encoder.', 'base_model.', 'network.'];
const deepestWrapper = 4;

/** What a training's state holds besides its encoder. */
const ownState = /^(projection_|class_vectors\/|optimizer\/|classifier\/|queue\/|loss-scale\/|ema\/|sampler\/)/;
const batchCount = /(^|\.)num_batches_tracked$/;
/** Types that are read; all others are refused where a weight is one. */
const readable = ['F32', 'F16', 'BF16'];

/**
 * Finds the weights of an encoder in a file.
 *
 * @param target.names whose names the file uses; without, those under which most weights fit
 * @throws ContrailError InvalidInput that names the first weight that is missing or has another shape, by its name here and there,
 * or the tensors that no encoder of this kind has
 */
export function matchWeights(file: ReadonlyMap<string, FileTensor>, target: ForEncoder): Match {
  const { encoder, wanted, names } = target;
  const family = familyOf(encoder);
  const possible = namesOf(family);
  if (names && !possible.includes(names))
    throw refusal(`cannot be read with \`names: ${names}\`: ${encoder} knows ${possible.join(', ')}.`);
  const tried = (names ? [names] : possible).map((each) => attempt(file, family, each, wanted));
  const best = tried.reduce((a, b) =>
    b.fitting > a.fitting || (b.fitting === a.fitting && b.present > a.present) ? b : a,
  );
  const problem = problemOf(best, file, target);
  if (problem) throw refusal(problem);
  const rival = tried.find((each) => each.fitting === wanted.length && !isSame(each, best));
  if (rival)
    throw refusal(
      `fits by the names and layouts of ${best.names} as well as of ${rival.names}. Write \`names: ${best.names}\` or \`names: ${rival.names}\`.`,
    );
  const used = new Set([...best.recipes.values()].flatMap(({ from }) => from));
  const rest = [...best.own].filter(([, actual]) => !used.has(actual));
  const strange = rest.filter(([own]) => !isLeftover(own, family, best.names)).map(([, actual]) => actual);
  if (strange.some((name) => /adapter_(hidden|output)\//.test(name)))
    throw refusal(
      'holds an adapter, a layer that was put on the encoder later, for which the encoder has no place. Take the file of the encoder that it was put on: `contrail export <run> --step <step>` writes it.',
    );
  if (strange.length > 0)
    throw refusal(
      `holds ${strange.length === 1 ? 'a tensor' : 'tensors'} that ${encoder} with these settings has no place for: ${someOf(strange.map(shown), 3)}. It is the file of another size, or another encoder${looksLike(file, target)}.`,
    );
  return { names: best.names, recipes: best.recipes, leftovers: rest.map(([, actual]) => actual) };
}

const refusal = (problem: string) => new ContrailError('InvalidInput', problem);

const isLeftover = (name: string, { leftover }: Family, names: WeightNames) =>
  leftover.test(name) || batchCount.test(name) || (names !== 'timm' && ownState.test(name));

/** Those that are tried first win where others fit as well. */
function namesOf({ ownNames, transformers }: Family): WeightNames[] {
  if (ownNames === 'contrail') return ['contrail'];
  return ownNames === 'keras'
    ? ['keras', 'contrail']
    : ['timm', ...(transformers ? (['transformers'] as const) : []), 'contrail'];
}

const ownerOf = (names: WeightNames) =>
  ({ contrail: "Contrail's", keras: "Keras's", timm: "timm's", transformers: "transformers'" })[names];

/** Whether two attempts come to the same weights. */
const isSame = (a: Attempt, b: Attempt) => JSON.stringify([...a.recipes]) === JSON.stringify([...b.recipes]);

/** A name that a stranger wrote. */
const shown = (name: string) => visible(shortened(name, 100));
const shownShape = (shape: readonly number[]) => shortened(shape.join(), 100);

interface Attempt {
  readonly names: WeightNames;
  /** Tensors of the file by their names without what stands in front of all. */
  readonly own: ReadonlyMap<string, string>;
  /** With names of the file as it is; those that it lacks have none in `recipes`. */
  readonly recipes: ReadonlyMap<string, Recipe>;
  /** By the encoder's name, the first tensor that is not there. */
  readonly missing: ReadonlyMap<string, string>;
  readonly present: number;
  readonly fitting: number;
}

function attempt(
  file: ReadonlyMap<string, FileTensor>,
  family: Family,
  names: WeightNames,
  wanted: readonly Wanted[],
): Attempt {
  const own = unwrapped([...file.keys()], names === 'transformers' ? (family.base ?? []) : []);
  const has = (name: string) => own.has(name);
  const recipes = new Map<string, Recipe>();
  const missing = new Map<string, string>();
  let fitting = 0;
  for (const { name, shape } of wanted) {
    const found = sourceOf(family, names, name, has);
    const lacking = found ? found.from.find((each) => !has(each)) : name;
    if (!found || lacking !== undefined) {
      missing.set(name, lacking ?? name);
      continue;
    }
    const layout = names === 'timm' || names === 'transformers' ? (family.layoutOf?.(name) ?? 'same') : 'same';
    const recipe = { ...found, layout, from: found.from.map((each) => own.get(each) as string) };
    recipes.set(name, recipe);
    if (shapeIn(file, recipe, shape)?.join() === shape.join()) fitting++;
  }
  return { names, own, recipes, missing, present: recipes.size, fitting };
}

function sourceOf(
  family: Family,
  names: WeightNames,
  name: string,
  has: (name: string) => boolean,
): Pick<Recipe, 'from' | 'join'> | null {
  if (names === 'transformers') return family.transformers?.(name, has) ?? null;
  if (names === 'timm' && family.timm) return family.timm(name, has);
  return { from: [name], join: 'one' };
}

const shapeIn = (file: ReadonlyMap<string, FileTensor>, recipe: Recipe, wanted: readonly number[]) =>
  shapeOf(
    recipe,
    recipe.from.map((each) => file.get(each)?.shape ?? []),
    wanted,
  );

/** What keeps a file from being read so; null where nothing does. */
function problemOf(
  { names, recipes, missing, fitting }: Attempt,
  file: ReadonlyMap<string, FileTensor>,
  target: ForEncoder,
): string | null {
  const { wanted } = target;
  const so = `It was read by ${ownerOf(names)} names, under which ${fitting} of ${wanted.length} weights fit${looksLike(file, target)}.`;
  for (const { name, shape } of wanted) {
    const lacking = missing.get(name);
    const recipe = recipes.get(name);
    if (lacking !== undefined || !recipe)
      return `has no tensor ${lacking ?? name}${lacking === name ? '' : `, of which ${name} of the encoder is made`}. It must hold every weight of the encoder. ${so}`;
    for (const each of recipe.from) {
      const dtype = file.get(each)?.dtype ?? '';
      if (!readable.includes(dtype))
        return `holds ${shown(each)} as ${dtype}; weights are read as ${readable.join(', ')}. Save it as one of these.`;
    }
    const found = shapeIn(file, recipe, shape);
    if (found?.join() !== shape.join()) {
      const [first = ''] = recipe.from;
      const tensor = file.get(first);
      const renamed = first === name ? '' : `, as ${name}`;
      const turned =
        found && found.join() !== tensor?.shape.join() ? `, in the encoder's order [${shownShape(found)}]` : '';
      return `holds ${shown(first)} as ${tensor?.dtype} [${shownShape(tensor?.shape ?? [])}]${turned}; the encoder needs${renamed} F32 [${shape}]. ${gridHint(name, found)}${so}`;
    }
  }
  return null;
}

/** Position embeddings are of a grid of patches, so their number says which. */
function gridHint(name: string, found: readonly number[] | null): string {
  const count = name === 'pos_embed' ? (found?.[1] ?? 0) : 0;
  const side = [count, count - 1].map(Math.sqrt).find((each) => each >= 1 && Number.isInteger(each));
  return side === undefined
    ? ''
    : `Its position embeddings are of a grid of ${side} x ${side} patches: write \`grid: ${side}\` for the encoder. `;
}

/** What the encoder would have to be for the file, where that is another than it is. */
function looksLike(file: ReadonlyMap<string, FileTensor>, { encoder, settings }: ForEncoder): string {
  const found = recognise(file);
  if (!found) return '';
  const isSame =
    found.encoder === encoder &&
    Object.entries(found.settings).every(
      // A grid is told by itself.
      ([key, value]) => key === 'grid' || settings === undefined || String(settings[key]) === String(value),
    );
  if (isSame || (settings === undefined && found.encoder === encoder)) return '';
  const what = found.encoder === encoder ? 'the file is of other settings' : `the file looks like a ${found.encoder}`;
  return refusedSettings(found).length > 0 ? `; ${what}` : `; ${what}: write \`encoder: ${encoderText(found)}\``;
}

/** Names without what stands in front of all of them, and without transformers' name of the network. */
function unwrapped(names: readonly string[], bases: readonly string[]): ReadonlyMap<string, string> {
  let start = 0;
  for (let depth = 0; depth < deepestWrapper; depth++) {
    const wrapper = wrappers.find((each) => names.length > 0 && names.every((name) => name.startsWith(each, start)));
    if (wrapper === undefined) break;
    start += wrapper.length;
  }
  const base = bases.find((each) => names.some((name) => name.startsWith(each, start)));
  return new Map(
    names.map((name) => {
      const inner = name.slice(start);
      return [base !== undefined && inner.startsWith(base) ? inner.slice(base.length) : inner, name];
    }),
  );
}
