import { openHome } from '../../home/home.ts';
import { openStore } from '../../store/index.ts';
import { withServer } from '../connection.ts';
import { followToEnd } from '../follow-to-end.ts';
import { checkRunId } from '../given-names.ts';
import { describeRun } from '../runs.ts';

/** `contrail watch` */
export async function watchCommand(run: string, { json }: { readonly json: boolean }): Promise<number> {
  checkRunId(run);
  return withServer(async (server) => {
    await describeRun(server, run);
    return followToEnd(server, openStore(openHome().storeUrl), run, json);
  });
}
