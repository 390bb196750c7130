import { capitalised } from '../contracts/short-text.ts';
import { type BuildProgress, buildPhaseTexts } from '../vectors/index.ts';
import { type RowProgress, showRowProgress } from './row-progress.ts';

/** Runs what builds or changes an index, and shows how far it is. */
export async function withIndexProgress<T>(work: (tell: (progress: BuildProgress) => void) => Promise<T>): Promise<T> {
  const { tell, end } = showRowProgress();
  try {
    return await work((progress) => tell(shownProgress(progress)));
  } finally {
    end();
  }
}

/** Each phase has a rate of its own. */
export function shownProgress({ phase, ...far }: BuildProgress): RowProgress {
  return { phase: capitalised(buildPhaseTexts[phase]), ...far };
}
