import { z } from 'zod';
import { digestSchema } from './artifacts.ts';
import { describeWeights, initialWeightsSchema, isFromHub } from './initial-weights.ts';
import { isMapping, type Json } from './json.ts';
import type { Plan, PlannedStep } from './plan.ts';

/** What the parameters of a run say of how an encoder came about. */
export const encoderOriginSchema = z.strictObject({
  /** Weights that it started from, or that it is; absent where it started from noise. */
  weights: z
    .strictObject({
      /** The file's name, or its address in the hub. */
      name: z.string(),
      /** Null where a step gave the weights and the plan does not have them. */
      sha256: digestSchema.nullable(),
    })
    .optional(),
  /** The stages that were not trained: `all`, or the last of them; absent where all were. */
  frozen: z.string().optional(),
  /** Decay of the average that the encoder is taken from; absent where there is none. */
  averaged: z.number().optional(),
});
export type EncoderOrigin = z.infer<typeof encoderOriginSchema>;

/** How the encoder of a step came about; of an adapter, that of the encoder behind it. */
export function encoderOrigin({ steps }: Pick<Plan, 'steps'>, id: string): EncoderOrigin {
  const byId = new Map(steps.map((step) => [step.id, step]));
  let step = byId.get(id);
  for (let hops = 0; hops < steps.length; hops++) {
    const inputs: PlannedStep['inputs'] = step?.inputs ?? {};
    const before = inputs.embeddings ?? (step?.uses === 'embed' ? inputs.encoder : undefined);
    if (!before) break;
    step = byId.get(before.step);
  }
  return step ? originIn(step.with) : {};
}

function originIn({ initialWeights, weights = initialWeights, freeze, ema }: PlannedStep['with']): EncoderOrigin {
  const frozen = isMapping(freeze) ? freeze.until : freeze;
  const decay = isMapping(ema) ? ema.decay : undefined;
  return {
    ...(weights === undefined || weights === null ? {} : { weights: weightsIn(weights) }),
    ...(typeof frozen === 'string' ? { frozen } : {}),
    ...(typeof decay === 'number' ? { averaged: decay } : {}),
  };
}

function weightsIn(given: Json): EncoderOrigin['weights'] {
  const { success, data } = initialWeightsSchema.safeParse(given);
  if (!success) return { name: 'weights that another step gave', sha256: null };
  const name = isFromHub(data) ? describeWeights(data) : (data.path?.split(/[\\/]/).at(-1) ?? '');
  return { name, sha256: data.sha256 };
}

/** The stages that are not trained, in words. */
export const frozenText = (frozen: string): string => (frozen === 'all' ? 'all' : `up to ${frozen}`);
