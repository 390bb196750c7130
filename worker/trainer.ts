import { stepKeySchema } from '../contracts/identifiers.ts';
import { createEmbedShard, stepJobs } from '../evaluation/index.ts';
import { openStore } from '../store/index.ts';
import { createTrainingJobs, serveTrainer } from '../training/index.ts';

/**
 * The trainer process of one step of one run. Arguments: run, step, store URL. It talks to the worker by IPC alone.
 */
const [run, step, storeUrl = ''] = process.argv.slice(2);
const key = stepKeySchema.parse({ run, step });
process.title = `contrail trainer ${key.run}/${key.step}`;

serveTrainer(
  { ...createTrainingJobs(), ...stepJobs, 'embed-shard': createEmbedShard() },
  { store: openStore(storeUrl), key },
);
