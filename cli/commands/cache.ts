import { z } from 'zod';
import { ContrailError } from '../../contracts/errors.ts';
import { formatBytes } from '../../contracts/limits.ts';
import { openHome } from '../../home/home.ts';
import { collectGarbage, listCache, listCacheKeys, openStore, removeCacheEntry } from '../../store/index.ts';
import { print, printJson, say, table } from '../output.ts';
import { localTime } from '../times.ts';

const shortKey = 12;
/** The kind of step; empty where a fingerprint is not as this version writes it. */
function usesOf(fingerprint: string): string {
  try {
    return fingerprintSchema.parse(JSON.parse(fingerprint)).uses;
  } catch {
    return '';
  }
}
const fingerprintSchema = z.object({ uses: z.string() });

/** `contrail cache ls` */
export async function cacheListCommand({ json }: { readonly json: boolean }): Promise<number> {
  const entries = await listCache(openStore(openHome().storeUrl), say);
  const rows = entries.map(({ key, fingerprint, run, step, createdAt, result }) => ({
    key,
    uses: usesOf(fingerprint),
    run,
    step,
    createdAt,
    result,
  }));
  if (json) printJson(rows);
  else if (rows.length === 0) say('The cache is empty.');
  else
    print(
      table(
        ['key', 'kind', 'run', 'step', 'made'],
        rows.map(({ key, uses, run, step, createdAt }) => [
          key.slice(0, shortKey),
          uses,
          run,
          step,
          localTime(createdAt),
        ]),
      ),
    );
  return 0;
}

/** `contrail cache rm` */
export async function cacheRemoveCommand(keys: readonly string[], { all }: { readonly all: boolean }): Promise<number> {
  if (all === keys.length > 0)
    throw new ContrailError('Usage', 'Give keys as `contrail cache ls` shows them, or --all.');
  const store = openStore(openHome().storeUrl);
  const known = await listCacheKeys(store);
  const chosen = all ? known : keys.map((key) => onlyOne(known, key));
  for (const key of chosen) await removeCacheEntry(store, key);
  say(`Forgot ${chosen.length} results; their artifacts stay until \`contrail cache gc\`.`);
  return 0;
}

function onlyOne(known: readonly string[], beginning: string): string {
  const [found, another] = known.filter((key) => key.startsWith(beginning));
  if (!found || another)
    throw new ContrailError('Usage', `${another ? 'More than one key begins' : 'No key begins'} with ${beginning}.`);
  return found;
}

/** `contrail cache gc` */
export async function cacheCollectCommand({
  dryRun,
  json,
}: {
  readonly dryRun: boolean;
  readonly json: boolean;
}): Promise<number> {
  const { entries, artifacts, bytes } = await collectGarbage(openStore(openHome().storeUrl), { dryRun });
  if (json) {
    printJson({ dryRun, entries: entries.map(({ key }) => key), artifacts, bytes });
    return 0;
  }
  for (const { kind, digest, bytes: size } of artifacts)
    print(`${kind} ${digest.slice(0, shortKey)} ${formatBytes(size)}`);
  say(
    `${dryRun ? 'Would remove' : 'Removed'} ${entries.length} results without artifacts and ${artifacts.length} artifacts that nothing names: ${formatBytes(bytes)}.`,
  );
  return 0;
}
