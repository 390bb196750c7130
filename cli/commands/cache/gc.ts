import { times } from '../../../contracts/counted.ts';
import { formatBytes } from '../../../contracts/limits.ts';
import { openHome } from '../../../home/home.ts';
import { collectGarbage, openStore } from '../../../store/index.ts';
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
  const { entries, artifacts, leftovers, bytes } = await collectGarbage(openStore(openHome().storeUrl), { dryRun });
  if (json) {
    printJson({ dryRun, entries: entries.map(({ key }) => key), artifacts, leftovers, bytes });
    return 0;
  }
  for (const artifact of artifacts) print(`${shortArtifact(artifact)} ${formatBytes(artifact.bytes)}`);
  say(
    `${dryRun ? 'Would remove' : 'Removed'} ${times(entries.length, 'result')} without artifacts and ${times(artifacts.length, 'artifact')} that nothing names${leftovers.length === 0 ? '' : `, and ${times(leftovers.length, 'file')} that preparations of data sets left a week ago`}: ${formatBytes(bytes)}.`,
  );
  return 0;
}
