import type { JobKindName } from '../contracts/trainer.ts';
import type { JobHandlers } from '../training/index.ts';
import { adapt } from './adapt.ts';
import { embed } from './embed.ts';
import { evaluate } from './evaluate.ts';
import { inspectData } from './inspection/inspect-data.ts';
import { learningCurve } from './learning-curve.ts';
import { linearProbe } from './linear-probe.ts';
import { loadEncoder } from './load-encoder.ts';
import { outOfDistribution } from './out-of-distribution.ts';
import { retrieval } from './retrieval.ts';
import { robustness } from './robustness.ts';

export { createEmbedShard } from './embed-shard.ts';

/** The work of each kind of step that is one job of a trainer. */
export const stepJobs: Pick<JobHandlers, JobKindName> = {
  'inspect-data': inspectData,
  'load-encoder': loadEncoder,
  'linear-probe': linearProbe,
  embed,
  adapt,
  evaluate,
  retrieval,
  robustness,
  'out-of-distribution': outOfDistribution,
  'learning-curve': learningCurve,
};
