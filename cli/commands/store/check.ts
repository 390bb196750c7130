import { times } from '../../../contracts/counted.ts';
import { formatBytes } from '../../../contracts/limits.ts';
import { openHome } from '../../../home/home.ts';
import { checkStore, openStore } from '../../../store/index.ts';
import { print, printJson, say } from '../../output.ts';
import { inBytes, showRowProgress } from '../../row-progress.ts';

/** `contrail store check`. @returns 1 where something is damaged */
export async function storeCheckCommand({ json }: { readonly json: boolean }): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const { tell, end } = showRowProgress(inBytes);
  const found = await checkStore(store, { onProgress: tell }).finally(end);
  const { artifacts, checkpoints, bytes, problems, remedies, orphans } = found;
  const orphanBytes = orphans.reduce((sum, file) => sum + file.bytes, 0);
  if (json) printJson({ artifacts, checkpoints, bytes, problems, remedies, orphans, orphanBytes });
  else {
    for (const line of [...problems, ...remedies]) print(line);
    for (const orphan of orphans)
      print(`${store.locate(orphan.path)} is named by no manifest (${formatBytes(orphan.bytes)}).`);
    say(
      `${times(artifacts, 'artifact')} and ${times(checkpoints, 'checkpoint')} read, ${formatBytes(bytes)}: ${problems.length === 0 ? 'all whole' : times(problems.length, 'problem')}${orphans.length === 0 ? '' : `; ${times(orphans.length, 'file')} that no manifest names, ${formatBytes(orphanBytes)}`}.`,
    );
  }
  return problems.length === 0 ? 0 : 1;
}
