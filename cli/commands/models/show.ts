import { openHome } from '../../../home/home.ts';
import { currentVersion } from '../../../serving/find-model.ts';
import { loadRefusals, loadVersions, openStore } from '../../../store/index.ts';
import { refusalText, versionTable } from '../../model-texts.ts';
import { print, printJson } from '../../output.ts';
import { forReading } from '../../wrapped.ts';

const shownRefusals = 10;

/** `contrail models show` */
export async function modelsShowCommand(model: string, { json }: { readonly json: boolean }): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const current = await currentVersion(store, model);
  const versions = await loadVersions(store, model);
  if (json) printJson({ current: current.version, versions, refused: await loadRefusals(store, model) });
  else {
    print(`${model}: version ${current.version} is current, of run ${current.run}`);
    print(versionTable(versions.toReversed()));
    print('\nWhy each was promoted:');
    for (const { version, run, reason } of versions.toReversed())
      print(forReading(`  version ${version}, of run ${run}: ${reason}`, '    '));
    const refused = (await loadRefusals(store, model)).toReversed();
    if (refused.length > 0)
      print(
        `\nNot promoted${refused.length > shownRefusals ? `, the last ${shownRefusals} of ${refused.length}` : ''}:`,
      );
    for (const refusal of refused.slice(0, shownRefusals)) print(forReading(`  ${refusalText(refusal)}`, '    '));
  }
  return 0;
}
