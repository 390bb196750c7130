import type { StepKey } from '../../contracts/identifiers.ts';
import type { Instruments } from '../../metrics/registry.ts';
import type { Series } from '../../metrics/series.ts';
import type { workerMetrics } from './definitions.ts';

export type WorkerInstruments = Instruments<typeof workerMetrics>;

/** How an attempt ended. */
export type Outcome = (typeof outcomes)[number];
const outcomes = ['done', 'failed', 'retried', 'stopped'] as const;

/** What is counted of steps. */
export interface StepMetrics {
  /** An attempt begins. @returns what is to be told of its end, once */
  readonly began: (key: StepKey, attempt: BegunAttempt) => (outcome: Outcome, code?: string) => void;
  readonly reused: (key: StepKey) => void;
}

export interface BegunAttempt {
  readonly queue: string;
  /** From 1. */
  readonly attempt: number;
  readonly waitedSeconds: number;
}

/** The id of a step as it stands in the pipeline's file: one for all steps of a matrix. */
export const writtenStep = (step: string): string => step.split('@', 1)[0] ?? step;

type StepLabels = { readonly pipeline: string; readonly step: string };

/** Counts for a step, whose pipeline is asked for once: it may be known only later, and all of an attempt is to go to one. */
export function countingFor(pipelineOfRun: Promise<string>, step: string) {
  const labels = pipelineOfRun.then((pipeline) => ({ pipeline, step: writtenStep(step) }));
  return (count: (owner: string, labels: StepLabels) => void): void =>
    void labels.then((known) => count(ownerOf(known), known));
}

const ownerOf = ({ pipeline, step }: StepLabels): string => `${pipeline} ${step}`;

/**
 * @param series owns what is told apart by pipeline and step
 * @param pipelineOf never rejects; what happens in the meantime is counted once it is known, in order
 */
export function countSteps(
  instruments: WorkerInstruments,
  series: Series,
  pipelineOf: (run: string) => Promise<string>,
): StepMetrics {
  return {
    began: ({ run, step }, { queue, attempt, waitedSeconds }) => {
      instruments.contrail_queue_wait_seconds.observe({ queue }, waitedSeconds);
      const later = countingFor(pipelineOf(run), step);
      later((owner, labels) => {
        series.hold(owner);
        series.of(owner, instruments.contrail_steps_in_work, { ...labels, queue }).inc();
        // A counter that begins at 1 has not risen, as Prometheus sees it.
        for (const outcome of outcomes)
          series.of(owner, instruments.contrail_step_attempts_total, { ...labels, outcome }).inc(0);
        series.of(owner, instruments.contrail_step_retries_total, labels).inc(attempt > 1 ? 1 : 0);
      });
      return (outcome, code) =>
        later((owner, labels) => {
          series.of(owner, instruments.contrail_steps_in_work, { ...labels, queue }).dec();
          series.of(owner, instruments.contrail_step_attempts_total, { ...labels, outcome }).inc();
          if (code !== undefined) series.of(owner, instruments.contrail_step_failures_total, { ...labels, code }).inc();
          series.release(owner);
        });
    },
    reused: ({ run, step }) => {
      const later = countingFor(pipelineOf(run), step);
      later((owner, labels) => series.of(owner, instruments.contrail_steps_reused_total, labels).inc());
    },
  };
}
