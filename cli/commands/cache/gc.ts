import { times } from '../../../contracts/counted.ts';
import { formatBytes } from '../../../contracts/limits.ts';
import { openHome } from '../../../home/home.ts';
import { collectGarbage, openStore } from '../../../store/index.ts';
import { removeForgottenParts } from '../../../weights/index.ts';
import { print, printJson, say } from '../../output.ts';
import { shortArtifact } from '../../short-artifact.ts';

/** `contrail cache gc` */
export async function cacheCollectCommand({
  dryRun,
  json,
}: {
  readonly dryRun: boolean;
  readonly json: boolean;
}): Promise<number> {
  const { storeUrl, cacheFolder } = openHome();
  const { entries, artifacts, leftovers, bytes: inStore } = await collectGarbage(openStore(storeUrl), { dryRun });
  const parts = await removeForgottenParts(cacheFolder, { dryRun });
  const bytes = parts.reduce((sum, part) => sum + part.bytes, inStore);
  if (json) {
    const weightParts = parts.map(({ path }) => path);
    printJson({ dryRun, entries: entries.map(({ key }) => key), artifacts, leftovers, weightParts, bytes });
    return 0;
  }
  for (const artifact of artifacts) print(`${shortArtifact(artifact)} ${formatBytes(artifact.bytes)}`);
  say(
    `${dryRun ? 'Would remove' : 'Removed'} ${times(entries.length, 'result')} without artifacts and ${times(artifacts.length, 'artifact')} that nothing names${leftovers.length === 0 ? '' : `, and ${times(leftovers.length, 'file')} that preparations of data sets left a week ago`}${parts.length === 0 ? '' : `, and ${times(parts.length, 'half-fetched file')} of weights that nobody went on with for a day`}: ${formatBytes(bytes)}.`,
  );
  return 0;
}
