import type { BuildPhase, BuildProgress } from '../vectors/index.ts';
import { showRowProgress } from './row-progress.ts';

const phases: Readonly<Record<BuildPhase, string>> = {
  rows: 'Copying vectors',
  recall: 'Finding true neighbours',
  graph: 'Building the graph',
  check: 'Looking for every image',
};

/** Runs what builds or changes an index, and shows how far it is. */
export async function withIndexProgress<T>(work: (tell: (progress: BuildProgress) => void) => Promise<T>): Promise<T> {
  const { tell, end } = showRowProgress();
  try {
    return await work(({ phase, ...far }) => tell({ phase: phases[phase], ...far }));
  } finally {
    end();
  }
}
