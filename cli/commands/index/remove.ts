import { ContrailError } from '../../../contracts/errors.ts';
import { openHome } from '../../../home/home.ts';
import { currentVersion } from '../../../serving/find-model.ts';
import { openStore } from '../../../store/index.ts';
import { changeIndexOf, checkPrefix, indexOf } from '../../change-index.ts';

/** `contrail index remove`: images out of the index of a model. */
export async function indexRemoveCommand(
  model: string,
  {
    name,
    prefix,
    group,
    label,
    json,
  }: {
    readonly name: readonly string[];
    readonly prefix: readonly string[];
    readonly group: readonly string[];
    readonly label: readonly string[];
    readonly json: boolean;
  },
): Promise<number> {
  if (name.length + prefix.length + group.length + label.length === 0)
    throw new ContrailError('Usage', 'Say what to remove, with --name, --prefix, --group or --label.');
  for (const each of prefix) checkPrefix(each);
  const store = openStore(openHome().storeUrl);
  const current = await currentVersion(store, model);
  const which = { names: [...name], prefixes: [...prefix], groups: [...group], labels: [...label] };
  return changeIndexOf(store, current, (now) => ({ do: 'remove', index: indexOf(now), which }), { json });
}
