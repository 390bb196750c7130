import { expect, it } from 'vitest';
import { together } from './fine-tuned.ts';
import { crossEntropy, difference, openModel, supcon } from './small-model.ts';

it.each([
  ['SupCon', supcon({ ...together, multiCrop: { views: 2, size: 8 } })],
  ['SupCon in parts', supcon({ ...together, microbatch: 4 })],
  ['cross-entropy', crossEntropy({ ...together, optimizer: { name: 'adam', weightDecay: 0.1 } })],
])('all that fine-tuning adds takes the same steps as a graph and operation by operation: %s', (_, config) => {
  const [graph, eager] = [openModel(config, 'graph'), openModel(config, 'eager')];
  for (const step of [0, 1, 2]) expect(Math.abs(graph.run(step) / eager.run(step) - 1)).toBeLessThan(1e-4);
  const learned = (state: ReadonlyMap<string, readonly number[]>) =>
    new Map([...state].filter(([name]) => !name.startsWith('optimizer/')));
  expect(difference(learned(graph.read()), learned(eager.read())).relative).toBeLessThan(1e-2);
  for (const each of [graph, eager]) each.close();
});
