import { openHome } from '../../../home/home.ts';
import { listModels, loadCurrent, loadRefusals, openStore, unlessDamaged } from '../../../store/index.ts';
import { refusalText, versionTable } from '../../model-texts.ts';
import { print, printJson, say } from '../../output.ts';
import { forReading } from '../../wrapped.ts';

/** `contrail models ls` */
export async function modelsListCommand({ json }: { readonly json: boolean }): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const models = await Promise.all(
    (await listModels(store)).map(async (name) => {
      const current = await loadCurrent(store, name);
      const refusals = (await unlessDamaged(loadRefusals(store, name), say)) ?? [];
      const refused = refusals.findLast(({ at }) => at > (current?.promotedAt ?? '')) ?? null;
      return current ? [{ ...current, refused }] : [];
    }),
  ).then((found) => found.flat());
  if (json) printJson(models);
  else if (models.length === 0) say('No models yet. A promote step makes one.');
  else {
    print(versionTable(models, { model: ({ model }) => model }));
    for (const { model, version, run, reason, refused } of models) {
      print(`\n${forReading(`${model}: version ${version}, of run ${run}, was promoted: ${reason}`)}`);
      if (refused) print(forReading(`${model}: since then, ${refusalText(refused)}`));
    }
  }
  return 0;
}
