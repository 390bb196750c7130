import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { closeTrainer } from './lookups.ts';
import { pauseTrainingSignal, stepPausedSignal, unpauseTrainingSignal } from './messages.ts';
import type { TrainingInput, TrainingState } from './training.ts';

/** How a training stops for a person, and goes on. */
export interface Pauses {
  /** Waits until nobody wants a pause any more. */
  readonly whilePaused: () => Promise<void>;
  /**
   * Does the work, and where a pause stops it does it again after the pause. The activity goes on from the checkpoint that it
   * writes when it is stopped.
   */
  readonly pausable: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Answers the signals that pause a training. A paused one has a checkpoint and no trainer. */
export function handlePauses(input: TrainingInput, current: () => TrainingState | undefined): Pauses {
  const root = CancellationScope.current();
  let paused = false;
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

  const whilePaused = async () => {
    if (!paused) return;
    await closeTrainer(input);
    const state = current();
    setCurrentDetails(`**Paused**${state ? ` after epoch ${state.epoch} of ${input.epochs}` : ''}`);
    await tellParent(input.step, true);
    await condition(() => !paused);
    await tellParent(input.step, false);
  };
  return {
    whilePaused,
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

async function tellParent(step: string, paused: boolean): Promise<void> {
  const { parent } = workflowInfo();
  if (!parent) return;
  await getExternalWorkflowHandle(parent.workflowId)
    .signal(stepPausedSignal, { step, paused })
    // The parent may have ended meanwhile; that is no reason to stop.
    .catch(() => undefined);
}
