import { expect, it } from 'vitest';
import { runChild } from '../../bench/gpu/child.ts';
import { countNodes, createPlacement } from '../../bench/gpu/placement-log.ts';

/** Where TensorFlow itself says that it runs the nodes of a step whose parts pass side by side. */
it('each part runs on its device, forward and back; the loss, the sums and the update on the first', async () => {
  const placement = createPlacement();
  const workload = {
    encoder: { name: 'small-resnet', channels: 4, blocks: [1] },
    batch: 8,
    optimizer: 'adam',
    image: [16, 16, 1],
    parts: { microbatch: 2, replicas: 4 },
  };
  const why = await runChild(
    'take-steps',
    { workload, steps: 8 },
    {
      environment: {
        CONTRAIL_CPU_DEVICES: '4',
        TF_CPP_MIN_LOG_LEVEL: '0',
        TF_CPP_VMODULE: 'executor=1',
      },
      limitSeconds: 80,
      onFigure: () => {},
      onLine: placement.read,
    },
  );
  expect(why).toBeNull();
  const counts = countNodes(placement.nodes());
  expect([...counts.keys()].sort()).toEqual(['CPU:0', 'CPU:1', 'CPU:2', 'CPU:3']);
  /** What TensorFlow logs from several threads comes out with gaps: several steps are taken, and kinds of operations count, not how many. */
  const operationsOn = (device: number) => [...(counts.get(`CPU:${device}`)?.keys() ?? [])].join(' ');
  for (const device of [0, 1, 2, 3])
    for (const forwardOrBack of [
      /Conv2D\b/,
      /Conv2DBackpropFilter/,
      /FusedBatchNormV3/,
      /FusedBatchNormGradV3/,
      /_Send/,
    ])
      expect(operationsOn(device)).toMatch(forwardOrBack);
  const updating = /ResourceApplyAdam|AssignAddVariableOp|VarHandleOp/;
  expect(operationsOn(0)).toMatch(updating);
  for (const device of [1, 2, 3]) expect(operationsOn(device)).not.toMatch(updating);
}, 90_000);
