import type { Command } from 'commander';
import { addApprove } from './approve.ts';
import { addCache } from './cache.ts';
import { addCancel } from './cancel.ts';
import { addCheckpoints } from './checkpoints.ts';
import { addCodecServer } from './codec-server.ts';
import { addCompare } from './compare.ts';
import { addDataset } from './dataset.ts';
import { addDev } from './dev.ts';
import { addDiff } from './diff.ts';
import { addDoctor } from './doctor.ts';
import { addEmbed } from './embed.ts';
import { addExport } from './export.ts';
import { addFork } from './fork.ts';
import { addGraph } from './graph.ts';
import { addList } from './list.ts';
import { addLogs } from './logs.ts';
import { addModels } from './models.ts';
import type { Finish } from './options.ts';
import { addPause } from './pause.ts';
import { addPlan } from './plan.ts';
import { addPredict } from './predict.ts';
import { addQuickstart } from './quickstart.ts';
import { addReport } from './report.ts';
import { addResume } from './resume.ts';
import { addRetry } from './retry.ts';
import { addRm } from './rm.ts';
import { addRun } from './run.ts';
import { addSchedule } from './schedule.ts';
import { addSchema } from './schema.ts';
import { addServe } from './serve.ts';
import { addSet } from './set.ts';
import { addSetup } from './setup.ts';
import { addSimilar } from './similar.ts';
import { addStatus } from './status.ts';
import { addStore } from './store.ts';
import { addTensorboard } from './tensorboard.ts';
import { addTerminate } from './terminate.ts';
import { addUnpause } from './unpause.ts';
import { addValidate } from './validate.ts';
import { addVectorIndex } from './vector-index.ts';
import { addVerify } from './verify.ts';
import { addWatch } from './watch.ts';
import { addWeights } from './weights.ts';
import { addWorker } from './worker.ts';

/**
 * Every command, in the order in which help shows them. Each is declared in the file of its name, which loads the work when the
 * command is used: Temporal's client, say, takes longer to load than the rest to run.
 */
export const declarations: readonly ((program: Command, finish: Finish) => void)[] = [
  addQuickstart,
  addSetup,
  addDoctor,
  addDev,
  addWorker,
  addValidate,
  addSchema,
  addGraph,
  addRun,
  addWatch,
  addList,
  addStatus,
  addDataset,
  addWeights,
  addCancel,
  addTerminate,
  addPause,
  addUnpause,
  addApprove,
  addRetry,
  addCache,
  addStore,
  addCheckpoints,
  addExport,
  addEmbed,
  addVectorIndex,
  addResume,
  addFork,
  addVerify,
  addRm,
  addSet,
  addPlan,
  addDiff,
  addLogs,
  addSchedule,
  addModels,
  addSimilar,
  addPredict,
  addServe,
  addCodecServer,
  addReport,
  addCompare,
  addTensorboard,
];
