import { z } from 'zod';
import { dataSummaryOf } from '../contracts/data-account.ts';
import { isContrailError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import { prepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import type { Plan } from '../contracts/plan.ts';
import { changesSince, type FolderChanges } from '../datasets/index.ts';
import { readText, type Store } from '../store/index.ts';

/** What is known of data that was prepared and would be used again. */
interface Prepared {
  readonly fingerprint: string;
  readonly result: Readonly<Record<string, Json>>;
}

const originSchema = z.object({
  uses: z.literal('prepare-data'),
  with: prepareDataParameters
    .pick({ dataset: true, columns: true, allowUrls: true, relabels: true })
    .extend({ path: z.string(), from: z.undefined().optional() })
    .loose(),
});

const mostNamed = 3;

/**
 * Whether the folder that data was prepared from has changed since.
 *
 * @returns what has changed, in words; null where nothing has, or the data came from no folder
 */
export async function staleData(store: Store, prepared: Prepared): Promise<string | null> {
  const origin = folderOf(prepared);
  const { list } = prepared.result;
  if (!origin || typeof list !== 'string') return null;
  // As the worker found them, which a relative path was relative to.
  const { folder, table, relabels } = dataSummaryOf(prepared.result);
  const path = table?.file ?? folder ?? origin.with.path;
  const text = await readText(store, list);
  if (text === null) return 'the list of its files is gone, so what has changed in its folder since is not known';
  try {
    return changesText(await changesSince({ ...origin.with, path, relabels: relabels?.file }, text));
  } catch (error) {
    if (!isContrailError(error)) throw error;
    return `its folder cannot be compared here: ${error.message.split('\n')[0]}`;
  }
}

const folderOf = ({ fingerprint }: Prepared): z.infer<typeof originSchema> | null =>
  originSchema.safeParse(JSON.parse(fingerprint)).data ?? null;

function changesText({ added, removed, changed }: FolderChanges): string | null {
  const parts = [...named(added, 'added'), ...named(removed, 'removed'), ...named(changed, 'changed')];
  return parts.length === 0 ? null : `its folder has changed since: ${parts.join('; ')}`;
}

const named = (names: readonly string[], what: string): string[] =>
  names.length === 0
    ? []
    : [
        `${names.length} ${names.length === 1 ? 'file' : 'files'} ${what} (${names.slice(0, mostNamed).join(', ')}${names.length > mostNamed ? ', …' : ''})`,
      ];

/**
 * A line for each prepared data set of a run that a plan would use again although its folder has changed.
 *
 * @param remedy how to have the data of a step read again
 */
export async function staleDataLines(
  store: Store,
  results: Readonly<Record<string, Prepared>>,
  plan: Plan,
  remedy: (step: string) => string,
): Promise<string[]> {
  const lines = await Promise.all(
    plan.steps.map(async ({ id, with: { path } }) => {
      const prepared = results[id];
      // With another path it is prepared anew.
      if (!prepared || folderOf(prepared)?.with.path !== path) return [];
      const stale = await staleData(store, prepared);
      return stale === null ? [] : [`${id} is used as it was prepared; ${stale}. ${remedy(id)}`];
    }),
  );
  return lines.flat();
}
