import type { Json } from '../../contracts/json.ts';
import { openHome } from '../../home/home.ts';
import { openStore } from '../../store/index.ts';
import { announce } from '../announce.ts';
import { withServer } from '../connection.ts';
import { followToEnd } from '../follow-to-end.ts';
import { checkRunId } from '../given-names.ts';
import { printJson } from '../output.ts';
import { openPipelineFile } from '../pipeline-file.ts';
import { newRunId, startRun } from '../runs.ts';

export interface RunOptions {
  readonly set: Readonly<Record<string, Json>>;
  readonly id?: string;
  readonly detach: boolean;
  readonly json: boolean;
  /** False with --no-cache. */
  readonly cache: boolean;
}

/** `contrail run` */
export async function runCommand(file: string, { set, id, detach, json, cache }: RunOptions): Promise<number> {
  const pipeline = await openPipelineFile(file);
  const plan = pipeline.plan(set);
  const run = checkRunId(id ?? newRunId(plan.name));
  const store = openStore(openHome().storeUrl);
  return withServer(async (server) => {
    await pipeline.code.store(store);
    await startRun(server, store, run, plan, false, {
      source: pipeline.source(),
      ...(cache ? {} : { useCache: false }),
    });
    announce(server, run, `Started ${run}`);
    if (!detach) return followToEnd(server, store, run, json);
    if (json) printJson({ run });
    return 0;
  });
}
