import { times } from '../../../contracts/counted.ts';
import { formatBytes } from '../../../contracts/limits.ts';
import { copyStore, openStore } from '../../../store/index.ts';
import { printJson, say } from '../../output.ts';
import { inBytes, showRowProgress } from '../../row-progress.ts';

/** `contrail store copy` */
export async function storeCopyCommand(
  from: string,
  to: string,
  { json }: { readonly json: boolean },
): Promise<number> {
  const { tell, end } = showRowProgress(inBytes);
  const { copied, kept, bytes } = await copyStore(openStore(from), openStore(to), { onProgress: tell }).finally(end);
  if (json) printJson({ copied, kept, bytes });
  else
    say(
      `${times(copied, 'file')} copied (${formatBytes(bytes)}), ${kept} were there already. Both are the same store now: set CONTRAIL_STORE to the one that goes on, and remove store.json from the other.`,
    );
  return 0;
}
