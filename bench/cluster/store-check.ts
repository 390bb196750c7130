import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { runProgram } from '../../native/programs.ts';

const contrail = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));
const checkSchema = z.object({
  artifacts: z.int(),
  checkpoints: z.int(),
  orphans: z.array(z.object({ path: z.string() })),
});

/** `contrail store check` of the store that this process's environment names. @throws Error where something in it is damaged */
export async function checkStore(): Promise<{ readonly manifests: number; readonly orphans: number }> {
  const { CONTRAIL_HOME = '', CONTRAIL_STORE = '' } = process.env;
  const said = await runProgram(
    process.execPath,
    [contrail, 'store', 'check', '--json'],
    { CONTRAIL_HOME, CONTRAIL_STORE, NO_COLOR: '1' },
    'store',
  );
  const { artifacts, checkpoints, orphans } = checkSchema.parse(JSON.parse(said));
  return { manifests: artifacts + checkpoints, orphans: orphans.length };
}
