import { rollBackModel } from '../../../evaluation/promotion/roll-back.ts';
import { openHome } from '../../../home/home.ts';
import { openStore } from '../../../store/index.ts';
import { checkModelName } from '../../given-names.ts';
import { printJson, say } from '../../output.ts';
import { tellWithoutIndex } from '../../without-index.ts';

/** `contrail models rollback` */
export async function modelsRollbackCommand(
  model: string,
  { to, json }: { readonly to?: number; readonly json: boolean },
): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const version = await rollBackModel(store, checkModelName(model), to);
  if (json) printJson(version);
  else {
    say(`${model} is again the model of ${version.run}: version ${version.version}, ${version.reason}.`);
    await tellWithoutIndex(store, model, version.version);
  }
  return 0;
}
