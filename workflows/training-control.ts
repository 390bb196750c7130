import { CancellationScope, condition, isCancellation, setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { Json } from '../contracts/json.ts';
import { closeTrainer } from './lookups.ts';
import {
  pauseTrainingSignal,
  setTrainingSignal,
  stepChangedSignal,
  stepPausedSignal,
  unpauseTrainingSignal,
} from './messages.ts';
import { tellParent } from './tell-parent.ts';

/** A change of a parameter that a person wants, until it is made between two epochs. */
export interface WantedChange {
  readonly path: string;
  readonly value: Json;
}

export interface ControlledTraining {
  readonly step: string;
  readonly key: { readonly run: string; readonly step: string; readonly queue: string };
  /** A pause that was wanted when the history began anew. */
  readonly paused: boolean;
  /** What a person reads of a paused training. */
  readonly whereItStands: () => string;
  /** Why a change cannot be made; null where it can. */
  readonly refusal: (change: WantedChange) => string | null;
}

/** How a training stops for a person, goes on, and is changed. */
export interface TrainingControl {
  readonly isPaused: () => boolean;
  /** Has the training wait before its next epoch, until a person lets it go on. */
  readonly pause: (reason: string) => void;
  /** The value that a parameter will have from the next epoch on, where that was changed. */
  readonly wanted: (path: string) => Json | undefined;
  /** Changes that were wanted since, in order. */
  readonly takeChanges: () => readonly WantedChange[];
  /**
   * Does the work, and where a pause stops it does it again after the pause. The activity goes on from the checkpoint that it
   * writes when it is stopped.
   */
  readonly pausable: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Answers the signals of the pipeline. A paused training has a checkpoint and no trainer. */
export function controlTraining(training: ControlledTraining): TrainingControl {
  const { step, key } = training;
  const root = CancellationScope.current();
  let paused = training.paused;
  let reason = '';
  let wanted: WantedChange[] = [];
  let stop = () => {};
  setHandler(
    pauseTrainingSignal,
    () => {
      paused = true;
      stop();
    },
    { description: 'Stop at the next step, with a checkpoint' },
  );
  setHandler(
    unpauseTrainingSignal,
    () => {
      paused = false;
    },
    { description: 'Go on from the checkpoint' },
  );
  setHandler(
    setTrainingSignal,
    async ({ id, ...change }) => {
      const refused = training.refusal(change);
      if (refused === null) wanted.push(change);
      await tellParent((parent) => parent.signal(stepChangedSignal, { id, refused }));
    },
    { description: 'Change a parameter before the next epoch' },
  );

  const whilePaused = async () => {
    while (paused) {
      await closeTrainer(key);
      setCurrentDetails(`**Paused** ${training.whereItStands()}${reason === '' ? '' : `: ${reason}`}`);
      await tellParent((parent) => parent.signal(stepPausedSignal, { step, paused: true }));
      await condition(() => !paused);
      reason = '';
      await tellParent((parent) => parent.signal(stepPausedSignal, { step, paused: false }));
    }
  };
  return {
    isPaused: () => paused,
    pause: (why) => {
      paused = true;
      reason = why;
    },
    wanted: (path) => wanted.findLast((change) => change.path === path)?.value,
    takeChanges: () => {
      const taken = wanted;
      wanted = [];
      return taken;
    },
    pausable: async (work) => {
      for (;;) {
        await whilePaused();
        const scope = new CancellationScope();
        let stopped = false;
        stop = () => {
          stopped = true;
          scope.cancel();
        };
        try {
          return await scope.run(work);
        } catch (error) {
          if (!stopped || !isCancellation(error) || root.consideredCancelled) throw error;
        } finally {
          stop = () => {};
        }
      }
    },
  };
}
