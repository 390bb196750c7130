import { describe, expect, it } from 'vitest';
import { capture, eagerExecution } from '../../training/capture/index.ts';
import { createClassNeighbours } from '../../training/class-neighbours.ts';
import { createVariables } from '../../training/parameters.ts';
import type { Tensor1D, Tensor2D } from '../../training/tensorflow.ts';

/** Five classes whose outputs point in directions of the plane, in degrees; a batch has two images of each of two classes. */
const degrees = [0, 105, 30, 200, 290];
const [perClass, views, small] = [2, 2, 1];
const width = 2;
const shape = { classes: 6, width, perClass, views, allViews: views + small };

function open(engine: typeof capture | typeof eagerExecution) {
  const neighbours = createClassNeighbours(shape);
  const execution = engine({ variables: createVariables(neighbours.variables, 0), resident: {} });
  const add = execution.compile(([outputs, labels], { variables }) => {
    neighbours.add(variables, outputs as Tensor2D, labels as Tensor1D);
    return [labels as Tensor1D];
  });
  const end = neighbours.compileEnd(execution);
  /** A batch of two classes, with outputs of any length about their directions; small views point elsewhere. */
  const batch = (...classes: readonly number[]) => {
    const ofView = classes.flatMap((label) => [label, label]);
    const labels = Array.from({ length: shape.allViews }, () => ofView).flat();
    const outputs = labels.flatMap((label, row) => {
      const isSmall = row >= views * ofView.length;
      const angle = (((degrees[label] ?? 0) + (isSmall ? 180 : (row % 2) * 8 - 4)) * Math.PI) / 180;
      return [Math.cos(angle) * (1 + row), Math.sin(angle) * (1 + row)];
    });
    add(
      { dtype: 'float32', shape: [labels.length, width], values: Float32Array.from(outputs) },
      { dtype: 'int32', shape: [labels.length], values: Int32Array.from(labels) },
    );
  };
  return { batch, end, execution, read: () => neighbours.read(execution) };
}

describe.each(Object.entries({ graph: capture, eager: eagerExecution }))('the nearest classes (%s)', (_, engine) => {
  it('are those whose mean outputs of full size point the same way, over the epoch; a class without images has none', () => {
    const { batch, end, execution, read } = open(engine);
    expect(read()).toEqual(Array(6).fill([]));
    batch(0, 1);
    batch(4, 2);
    batch(3, 0);
    expect(read()).toEqual(Array(6).fill([]));
    end();
    expect(read()).toEqual([[2, 4, 1, 3], [2, 3, 0, 4], [0, 1, 4, 3], [4, 1, 0, 2], [0, 3, 2, 1], []]);
    execution.dispose();
  });

  it('are of one epoch: its sums are cleared at its end', () => {
    const { batch, end, execution, read } = open(engine);
    batch(0, 1);
    end();
    batch(3, 4);
    end();
    expect(read()).toEqual([[], [], [], [4], [3], []]);
    execution.dispose();
  });
});
