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

type Declaration = (program: Command, finish: Finish) => void;

/** Commands that help shows together, and one of them as it is typed. */
export interface CommandGroup {
  readonly title: string;
  readonly declarations: readonly Declaration[];
  readonly example: readonly [command: string, what: string];
}

/**
 * Every command, in the order in which help shows them. Each is declared in the file of its name, which loads the work when the
 * command is used: Temporal's client, say, takes longer to load than the rest to run.
 */
export const groups: readonly CommandGroup[] = [
  {
    title: 'Set-up',
    declarations: [addQuickstart, addSetup, addDoctor, addDev, addWorker, addCodecServer],
    example: ['contrail quickstart', 'the whole way, on public images'],
  },
  {
    title: 'Run a pipeline',
    declarations: [
      addValidate,
      addPlan,
      addRun,
      addResume,
      addRetry,
      addSet,
      addPause,
      addUnpause,
      addApprove,
      addCancel,
      addTerminate,
      addFork,
      addGraph,
      addSchema,
    ],
    example: ['contrail run catalogue.yaml --set path=photos', 'train on your own photos'],
  },
  {
    title: 'Watch',
    declarations: [addList, addStatus, addWatch, addLogs],
    example: ['contrail watch <run>', 'follow it, from any terminal'],
  },
  {
    title: 'Results',
    declarations: [addReport, addCompare, addDiff, addDataset, addCheckpoints, addVerify, addTensorboard],
    example: ['contrail report <run> --open', 'a page with what is known of it'],
  },
  {
    title: 'The model at work',
    declarations: [addModels, addSimilar, addPredict, addEmbed, addVectorIndex, addServe, addExport, addWeights],
    example: ['contrail similar --model <name> photo.jpg', 'the photos most like it'],
  },
  {
    title: 'Schedules',
    declarations: [addSchedule],
    example: ['contrail schedule list', 'what starts by itself, and when'],
  },
  {
    title: 'Store',
    declarations: [addStore, addCache, addRm],
    example: ['contrail store check', 'whether what is stored is sound'],
  },
];
