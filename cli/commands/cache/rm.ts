import { times } from '../../../contracts/counted.ts';
import { ContrailError } from '../../../contracts/errors.ts';
import { openHome } from '../../../home/home.ts';
import { listCacheKeys, openStore, removeCacheEntry } from '../../../store/index.ts';
import { say } from '../../output.ts';

/** `contrail cache rm` */
export async function cacheRemoveCommand(keys: readonly string[], { all }: { readonly all: boolean }): Promise<number> {
  if (all === keys.length > 0)
    throw new ContrailError('Usage', 'Give keys as `contrail cache ls` shows them, or --all.');
  const store = openStore(openHome().storeUrl);
  const known = await listCacheKeys(store);
  const chosen = all ? known : keys.map((key) => onlyOne(known, key));
  for (const key of chosen) await removeCacheEntry(store, key);
  say(`Forgot ${times(chosen.length, 'result')}; artifacts stay until \`contrail cache gc\`.`);
  return 0;
}

function onlyOne(known: readonly string[], beginning: string): string {
  const [found, another] = known.filter((key) => key.startsWith(beginning));
  if (!found || another)
    throw new ContrailError('Usage', `${another ? 'More than one key begins' : 'No key begins'} with ${beginning}.`);
  return found;
}
