import { expect, it } from 'vitest';
import { shownProgress } from '../../cli/index-progress.ts';
import { buildPhaseSchema } from '../../contracts/vector-index.ts';

it('names each phase of a build of an index, so that each is shown with its own rate', () => {
  const shown = buildPhaseSchema.options.map((phase) => shownProgress({ phase, done: 1, total: 2 }));
  const texts = ['Copying vectors', 'Finding true neighbours', 'Building the graph', 'Looking for every image'];
  expect(shown).toEqual(texts.map((phase) => ({ phase, done: 1, total: 2 })));
});
