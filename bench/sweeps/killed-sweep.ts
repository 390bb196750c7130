import { setTimeout as sleep } from 'node:timers/promises';
import { connect, ownServer } from '../../cli/connection.ts';
import { addressOf } from '../../cli/dev-record.ts';
import { freePorts, startDevServer, startWorkerProcess, stopDevServer } from '../../cli/dev-server.ts';
import { superviseChild } from '../../cli/processes.ts';
import { startRun } from '../../cli/runs.ts';
import { sweepResult } from '../../contracts/kinds/sweep.ts';
import { randomUint32 } from '../../datasets/index.ts';
import { openHome } from '../../home/home.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { loadStepResults, openStore } from '../../store/index.ts';
import { withFolder } from '../folder.ts';
import { orderOf, search, searchPipeline } from './search.ts';

const kills = 5;

/**
 * A search by synchronous halving, once undisturbed and once while its worker is killed five times: whether order, winner and digests are the
 * same, and whether the winner has the bits of a training that never stopped.
 */
export const benchKilledSweep = (): Promise<object[]> =>
  withFolder(async (folder) => {
    const home = openHome({ CONTRAIL_HOME: folder });
    const store = openStore(home.storeUrl);
    const started = await startDevServer(home, freePorts);
    const startWorker = () => startWorkerProcess(home, addressOf(started), []);
    let worker = startWorker();
    const client = await connect(home, ownServer(started));
    const reached = async (run: string) =>
      Object.keys(await loadStepResults(store, run)).filter((step) => step.startsWith('sweep-trial@')).length;
    const searched = async (run: string, disturb: () => Promise<void>) => {
      const begun = performance.now();
      await startRun(client, store, run, parsePipeline({ text: searchPipeline(run), file: `${run}.yaml` }), false);
      await Promise.all([disturb(), client.client.workflow.getHandle(run).result()]);
      const results = await loadStepResults(store, run);
      const winner = results.sweep?.result.steps as { readonly pretrain: { readonly digest: string } };
      return {
        seconds: (performance.now() - begun) / 1000,
        result: sweepResult.loose().parse(results.sweep?.result),
        digest: winner.pretrain.digest,
        again: results.again?.result.digest,
      };
    };
    try {
      const calm = await searched('calm', async () => {});
      const killed = await searched('killed', async () => {
        for (let kill = 0; kill < kills; kill++) {
          while ((await reached('killed')) < Math.floor(((kill + 1) * search.trials * 1.3) / (kills + 1)))
            await sleep(200);
          await sleep(randomUint32(kill, 'moment') % 3000);
          worker.kill('SIGKILL');
          await superviseChild(worker).ended;
          worker = startWorker();
          process.stderr.write(`sweep: kill ${kill + 1} of ${kills}\n`);
        }
      });
      const { result } = calm;
      return [
        {
          trials: result.trials,
          'trials of each rung': [0, 1, 2]
            .map((rung) => result.table.filter(({ rungs }) => rungs.length > rung).length)
            .join(' / '),
          epochs: result.epochs,
          'epochs without halving': search.trials * search.epochs,
          'best loss': result.value,
          kills,
          'same order and values': orderOf(killed.result) === orderOf(result),
          'same winner': killed.result.trial === result.trial && killed.digest === calm.digest,
          'winner as never stopped': calm.digest === calm.again && killed.digest === killed.again,
          'seconds, undisturbed': calm.seconds,
          'seconds, killed': killed.seconds,
        },
      ];
    } finally {
      worker.kill('SIGTERM');
      await superviseChild(worker).ended;
      await client.close();
      await stopDevServer(home, started);
    }
  });
