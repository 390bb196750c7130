import type { z } from 'zod';
import { isFilledIn } from '../../../contracts/filled-in.ts';
import { canonicalJson, isMapping, type Json } from '../../../contracts/json.ts';
import type { PlannedStep } from '../../../contracts/plan.ts';
import { type Recipe, withRecipe } from '../../../contracts/recipes.ts';
import { kindOf } from '../../../contracts/step-kinds.ts';

/** One parameter of a step, as it is in the plan. */
export interface Setting {
  /** With dots: `optimizer.learningRate`. */
  readonly path: string;
  readonly value: Json;
  /** Who says so: the pipeline, the recipe that it names, or nobody. */
  readonly from: 'pipeline' | 'recipe' | 'default';
  /** Of a value that the pipeline says: that of the recipe, where it is another. */
  readonly instead?: Json;
}

/** What the parameters of a step come from. */
export interface Settings {
  /** The recipe that the pipeline names; null where it names none. */
  readonly recipe: string | null;
  readonly settings: readonly Setting[];
  /** What the recipe says and the plan does not have, because the pipeline makes another choice: another optimizer, say. */
  readonly unused: readonly { readonly path: string; readonly value: Json }[];
}

type Values = { readonly [name: string]: Json };

/**
 * The parameters of a step one by one, and where each comes from.
 *
 * @param step of the plan, with defaults and recipe filled in
 * @param written its `with` in the pipeline
 */
export function settingsOf(step: PlannedStep, written: Values): Settings {
  const recipe = recipeOf(step, written);
  const { recipe: name, ...rest } = written;
  // Of a kind without recipes, it is a parameter like any other.
  const given = recipe ? rest : written;
  const merged = withRecipe(recipe?.with ?? {}, given);
  const ofRecipe = leavesOf(recipe?.with ?? {});
  const before = new Map(ofRecipe.map(({ path, value }) => [path.join('.'), value]));
  const { shape } = kindOf(step).parameters as { readonly shape: Readonly<Record<string, z.ZodType>> };
  const planned = leavesOf(step.with).filter(({ path: [name = ''] }) => !isFilledIn(shape[name]));
  const settings = [...choicesIn(merged, planned), ...planned].map(({ path, value }): Setting => {
    const key = path.join('.');
    if (!says(given, path, value)) return { path: key, value, from: says(merged, path, value) ? 'recipe' : 'default' };
    const instead = before.get(key);
    const isOther = instead !== undefined && canonicalJson(instead) !== canonicalJson(value);
    return { path: key, value, from: 'pipeline', ...(isOther ? { instead } : {}) };
  });
  const taken = new Set(settings.flatMap(({ path, from }) => (from === 'default' ? [] : [path])));
  return {
    recipe: recipe && typeof name === 'string' ? name : null,
    settings,
    unused: ofRecipe.map(({ path, value }) => ({ path: path.join('.'), value })).filter(({ path }) => !taken.has(path)),
  };
}

function recipeOf(step: PlannedStep, { recipe }: Values): Recipe | undefined {
  const { recipes } = kindOf(step);
  return typeof recipe === 'string' && recipes && Object.hasOwn(recipes, recipe) ? recipes[recipe] : undefined;
}

interface Leaf {
  readonly path: readonly string[];
  readonly value: Json;
}

const leavesOf = (values: Values, path: readonly string[] = []): Leaf[] =>
  Object.entries(values).flatMap(([name, value]) =>
    isMapping(value) && Object.keys(value).length > 0
      ? leavesOf(value, [...path, name])
      : [{ path: [...path, name], value }],
  );

/** What is said and stands in the plan by another path: names of choices (`augmentation: simclr`), and artifacts of other steps. */
function choicesIn(said: Values, planned: readonly Leaf[]): readonly Leaf[] {
  const known = new Set(planned.flatMap(({ path, value }) => [path.join('.'), `${path.join('.')} ${value}`]));
  return leavesOf(said).filter(
    ({ path, value }) => !known.has(path.join('.')) && !known.has(`${path.join('.')}.name ${value}`),
  );
}

/** Whether values say a parameter: at its path, or by a name that stands for a choice, as `optimizer: adam` does. */
function says(values: Values, path: readonly string[], value: Json): boolean {
  let at: Json | undefined = { ...values };
  for (const [index, part] of path.entries()) {
    if (!isMapping(at)) return part === 'name' && index === path.length - 1 && at === value;
    at = Object.hasOwn(at, part) ? at[part] : undefined;
    if (at === undefined) return false;
  }
  return true;
}
