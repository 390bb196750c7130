import { tf } from '../tensorflow.ts';
import { eagerTensor } from './eager-tensor.ts';
import type { Execution, StepState } from './execution.ts';

/** Runs steps operation by operation: for debugging, and as the reference that captured steps are tested against. */
export function eagerExecution(state: StepState): Execution {
  const variable = (name: string) => {
    const found = state.variables.get(name);
    if (!found) throw new Error(`the state has no variable named ${name}`);
    return found;
  };
  return {
    compile:
      (step) =>
      (...inputs) => {
        const tensors = inputs.map(eagerTensor);
        const results: (Float32Array | Int32Array)[] = [];
        tf.tidy(() => {
          for (const output of step(tensors, state)) results.push(output.dataSync<'float32'>());
        });
        for (const tensor of tensors) tensor.dispose();
        return results;
      },
    read: (names) => names.map((name) => variable(name).dataSync<'float32'>().slice()),
    write: (values) => {
      for (const [name, array] of values)
        tf.tidy(() => {
          const target = variable(name);
          target.assign(tf.tensor(array.slice(), target.shape));
        });
    },
    dispose: () => {
      for (const each of state.variables.values()) each.dispose();
      for (const each of Object.values(state.resident)) each.dispose();
    },
  };
}
