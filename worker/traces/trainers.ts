import { isContrailError } from '../../contracts/errors.ts';
import type { TrainerJob, TrainingEvent } from '../../contracts/trainer.ts';
import { currentLink, type OpenSpan, type Traces } from '../../traces/index.ts';
import { type TrainerHost, TrainerStopped } from '../../training/host.ts';

/** A job that changes its phase more often is told in fewer. */
const mostPhases = 100;

/**
 * The trainers of a host, with a span for each job within that of the attempt that asked for it: an epoch, an evaluation, and whatever else
 * they do; within these their checkpoints and phases. They follow from what trainers tell their worker anyway, so a trainer needs no
 * collector, none of its secrets and none of its code, and the spans of one that is killed end with it.
 */
export const traceTrainers = (host: TrainerHost, traces: Traces): TrainerHost => ({
  ...host,
  run: async (job, input, options) => {
    const parent = currentLink();
    if (!parent) return host.run(job, input, options);
    const { name, attributes } = described(job, input);
    const span = traces.begin(name, { parent, attributes: { 'contrail.job': job, ...attributes } });
    const phases = phasesOf(traces, span, name);
    try {
      const result = await host.run(job, input, {
        ...options,
        onProgress: (progress) => {
          phases.enter(progress.phase);
          options.onProgress(progress);
        },
        onTraining: (event) => {
          traceEvent(traces, span, event);
          options.onTraining?.(event);
        },
      });
      phases.end();
      span.end();
      return result;
    } catch (error) {
      if (error instanceof TrainerStopped || options.signal.aborted) {
        span.set({ 'contrail.outcome': 'stopped' });
        phases.end();
        span.end();
      } else {
        const failed = isContrailError(error) ? error.code : 'Error';
        phases.end(failed);
        span.end({ failed });
      }
      throw error;
    }
  },
});

/** An epoch has its number for a name, as its phase has; other jobs have their own. */
function described(job: TrainerJob, input: { readonly run: string; readonly step: string }) {
  const ofStep = { 'contrail.run': input.run, 'contrail.step': input.step };
  if (job !== 'train-epoch' || !('epoch' in input)) return { name: job, attributes: ofStep };
  const epoch = Number(input.epoch);
  return { name: `epoch ${epoch}`, attributes: { ...ofStep, 'contrail.epoch': epoch } };
}

function traceEvent(traces: Traces, { link: parent, set }: OpenSpan, event: TrainingEvent): void {
  if (event.type === 'opened')
    set({ 'contrail.lease.taken_over': event.takenOver, 'contrail.resumed': event.from !== null });
  else
    traces
      .begin('checkpoint', {
        parent,
        at: Date.now() - event.seconds * 1000,
        attributes: { 'contrail.checkpoint.bytes': event.bytes },
      })
      .end();
}

/** Spans of what a job does in turn, told by its progress; none for what is the job itself. */
function phasesOf(traces: Traces, { link: parent }: OpenSpan, job: string) {
  let current: { readonly phase: string; readonly span: OpenSpan | null } | null = null;
  let count = 0;
  return {
    enter: (phase: string) => {
      if (current?.phase === phase) return;
      current?.span?.end();
      const isTold = phase !== job && count < mostPhases;
      if (isTold) count++;
      current = { phase, span: isTold ? traces.begin(phase, { parent }) : null };
    },
    end: (failed?: string) => current?.span?.end(failed === undefined ? {} : { failed }),
  };
}
