import type { ParameterSpec } from '../parameters.ts';
import type { EncoderStage } from './encoder.ts';

/** The parameters of an encoder, put together stage by stage. */
export interface Staged {
  readonly parameters: readonly ParameterSpec[];
  readonly stages: readonly EncoderStage[];
}

/** @param parts the parameters of each stage by its name, from input to output */
export const staged = (parts: readonly (readonly [stage: string, parameters: readonly ParameterSpec[]])[]): Staged => ({
  parameters: parts.flatMap(([, parameters]) => parameters),
  stages: parts.map(([name, parameters]) => ({ name, parameters: parameters.map((each) => each.name) })),
});
