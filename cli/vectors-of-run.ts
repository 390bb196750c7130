import { type ArtifactRef, artifactRefSchema } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import { loadStepResults, type Store } from '../store/index.ts';
import { requireKnownPlan } from './known-plan.ts';

/**
 * The embedded images that a step of a run made.
 *
 * @param named `run`, or `run/step` where it has several
 * @throws ContrailError Usage where there are none, or several
 */
export async function vectorsOfRun(store: Store, named: string): Promise<ArtifactRef> {
  const [run = '', ...step] = named.split('/');
  const wanted = step.length > 0 ? step.join('/') : null;
  await requireKnownPlan(store, run);
  const found = Object.entries(await loadStepResults(store, run)).flatMap(([id, { result }]) => {
    const ref = artifactRefSchema.safeParse(result.vectors);
    return ref.success && ref.data.kind === 'vectors' ? [{ id, ref: ref.data }] : [];
  });
  const names = found.map(({ id }) => id).join(', ');
  const chosen = found.filter(({ id }) => wanted === null || id === wanted);
  const [one] = chosen;
  if (!one)
    throw new ContrailError(
      'Usage',
      names === ''
        ? `No step of ${run} has embedded images yet.`
        : `${run} has no step ${wanted} that embedded images. There is: ${names}.`,
    );
  if (chosen.length > 1)
    throw new ContrailError(
      'Usage',
      `Several steps of ${run} embedded images. Name one, as ${run}/${one.id}: ${names}.`,
    );
  return one.ref;
}
