import { openHome } from '../../home/home.ts';
import { openStore, tensorboardFolder } from '../../store/index.ts';
import { requireKnownPlan } from '../known-plan.ts';
import { localCopy } from '../local-copy.ts';
import { print, printJson, say } from '../output.ts';

/** `contrail tensorboard`: where a run's event files are on this machine, and the command that shows them. */
export async function tensorboardCommand(run: string, { json }: { readonly json: boolean }): Promise<number> {
  const store = openStore(openHome().storeUrl);
  await requireKnownPlan(store, run);
  const folder = tensorboardFolder(run);
  const files = (await store.list(folder)).length;
  const path = await localCopy(store, folder);
  const command = ['tensorboard', '--logdir', path];
  if (json) printJson({ run, folder: path, files, command });
  else {
    print(path);
    say(
      files === 0
        ? 'Nothing was written yet; each epoch adds a file.'
        : `Look at it with \`tensorboard --logdir ${quoted(path)}\` (\`pip install tensorboard\`).`,
    );
  }
  return 0;
}

/** As a shell takes it. */
const quoted = (path: string) => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
