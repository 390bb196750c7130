import type { Layout, Recipe } from './recipe.ts';

/** What names and layouts the weights of a family of encoders have elsewhere. */
export interface Family {
  /** What its own variables are called after. */
  readonly ownNames: 'contrail' | 'keras' | 'timm';
  /** How PyTorch keeps a weight, by its name in timm. Only where `ownNames` is `timm`. */
  readonly layoutOf?: (name: string) => Layout;
  /**
   * What a weight is made of in a file of `timm`'s, where it is not the tensor of its own name.
   *
   * @param has whether the file has a tensor
   */
  readonly timm?: (name: string, has: (name: string) => boolean) => Pick<Recipe, 'from' | 'join'> | null;
  /** The same for a file of `transformers`; null for a weight that it has none for. */
  readonly transformers?: (name: string, has: (name: string) => boolean) => Pick<Recipe, 'from' | 'join'> | null;
  /** What transformers calls the network inside a model with a head: `vit.` in `vit.layernorm.weight`. */
  readonly base?: readonly string[];
  /** Tensors that a file may have more than the encoder. */
  readonly leftover: RegExp;
}

/** A tensor by one name. */
export const named = (name: string | null): Pick<Recipe, 'from' | 'join'> | null =>
  name === null ? null : { from: [name], join: 'one' };

/** Replaces the beginning of a name by the first rule that fits; null where none does. */
export function renamed(name: string, rules: readonly (readonly [RegExp, string])[]): string | null {
  const rule = rules.find(([pattern]) => pattern.test(name));
  return rule ? name.replace(rule[0], rule[1]) : null;
}
