import { times } from '../../contracts/counted.ts';
import type { StepKey } from '../../contracts/identifiers.ts';
import { formatBytes } from '../../contracts/limits.ts';
import { openHome } from '../../home/home.ts';
import { openCheckpoints, openStore, parseCheckpointName, type Store } from '../../store/index.ts';
import { requireKnownPlan } from '../known-plan.ts';
import { print, printJson } from '../output.ts';
import { planByNow } from '../plan-by-now.ts';
import { table } from '../table.ts';
import { localTime } from '../times.ts';

/** `contrail checkpoints` */
export async function checkpointsCommand(run: string, { json }: { readonly json: boolean }): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const plan = await planByNow(store, run, await requireKnownPlan(store, run));
  const perStep = await Promise.all(plan.steps.map(({ id }) => checkpointsOf(store, { run, step: id })));
  const rows = perStep.flat();
  if (json) printJson(rows);
  else
    print(
      table(
        ['step', 'epoch', 'digest', 'loss', 'size', 'time', 'state'],
        rows.map(({ step, epoch, withinEpoch, digest, loss, bytes, time, problem }) => [
          step,
          withinEpoch ? `${epoch} + ${times(withinEpoch, 'step')}` : epoch,
          digest?.slice(0, 16) ?? '',
          loss?.toFixed(4) ?? '',
          bytes === null ? '' : formatBytes(bytes),
          time === null ? '' : localTime(time),
          problem ?? 'valid',
        ]),
      ),
    );
  return 0;
}

/** Every checkpoint of a step, the damaged ones too: of what only its manifest says, null where that is damaged. */
async function checkpointsOf(store: Store, key: StepKey) {
  const checkpoints = openCheckpoints(store, key);
  const readable = new Map((await checkpoints.list()).map((each) => [each.name, each]));
  return Promise.all(
    (await checkpoints.names()).map(async (name) => {
      const { manifest, bytes = null } = readable.get(name) ?? {};
      const { epoch, step } = parseCheckpointName(name) ?? { epoch: 0, step: 0 };
      const problem = await checkpoints.load(name).then(
        () => null,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      return {
        ...{ step: key.step, name },
        epoch,
        withinEpoch: step,
        digest: manifest?.digest ?? null,
        loss: manifest?.metrics?.loss ?? null,
        bytes,
        time: manifest?.createdAt ?? null,
        valid: problem === null,
        problem,
      };
    }),
  );
}
