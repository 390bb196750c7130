import { appendFileSync } from 'node:fs';
import { activityInfo, heartbeat, sleep } from '@temporalio/activity';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '../../../activities/index.ts';
import type { StepInput } from '../../../activities/step-input.ts';
import { finishStep, unlessFinished } from '../../../activities/step-result.ts';
import { randomUint32 } from '../../../datasets/random.ts';
import { openStore } from '../../../store/index.ts';
import { bundledWorkflows } from '../../../worker/workflow-bundle.ts';
import { controlQueue } from '../../../workflows/options.ts';
import { testSeed } from '../../random.ts';

/**
 * A worker whose only step is small, writes a line when it begins and when it has recorded its result, and may be killed at
 * any moment.
 */
const [address = '', storeFolder = '', logFile = ''] = process.argv.slice(2);
const store = openStore(storeFolder);
const context = { store, cacheFolder: storeFolder, host: { close: async () => {} } } as never;
const say = (line: string) => appendFileSync(logFile, `${line}\n`);

const work = async (input: StepInput) => {
  const { run, step, fingerprint } = input;
  const result = await unlessFinished(context, { run, step, fingerprint }, async () => {
    say(`start ${run} ${step}`);
    for (let slice = 0; slice < 4; slice++) {
      heartbeat();
      await sleep(20 + (randomUint32(testSeed, `${run}/${step}`, slice) % 60));
    }
    const [value = 0] = input.parameters.by as number[];
    const done = await finishStep(context, input, { index: 0, value, mean: value, deviation: 0, count: 1 });
    say(`done ${run} ${step}`);
    return done;
  });
  return { result, attempt: activityInfo().attempt };
};

// Loading takes longer than everything else: the next worker is ready before this one is killed.
process.once('disconnect', () => process.exit());
await new Promise((resolve) => process.once('message', resolve));
Runtime.install({ logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address });
const activities = { ...createActivities(context), choose: work };
const workflowBundle = await bundledWorkflows(() => {}, { encodesFailures: false, traced: false });
const workers = await Promise.all([
  Worker.create({ connection, activities, taskQueue: controlQueue, workflowBundle }),
  Worker.create({ connection, activities, taskQueue: 'cpu', maxConcurrentActivityTaskExecutions: 4 }),
]);
say('ready');
await Promise.all(workers.map((worker) => worker.run()));
