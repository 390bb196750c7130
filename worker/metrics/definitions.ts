import type { Definitions } from '../../metrics/registry.ts';

/**
 * Labels: `pipeline` is its name; `step` is the id that stands in the file, for all steps of a matrix. Series of a training that
 * is under way have `run` as well, and `step` with the values of its matrix; they go when the training leaves this worker.
 */
const step = ['pipeline', 'step'] as const;
const training = ['pipeline', 'run', 'step'] as const;

/** The metrics of a worker, beside those of Temporal's SDK. */
export const workerMetrics = {
  contrail_worker_info: { type: 'gauge', help: 'Always 1; the version of Contrail.', labels: ['version'] },
  contrail_worker_slots: {
    type: 'gauge',
    help: 'Steps that this worker does at a time, by task queue.',
    labels: ['queue'],
  },
  contrail_steps_in_work: { type: 'gauge', help: 'Steps that this worker is doing.', labels: [...step, 'queue'] },
  contrail_step_attempts_total: {
    type: 'counter',
    help: 'Attempts at the work of steps that ended here: done; failed for good; failed and tried again (retried); stopped by a person or a shutdown. Each epoch of a training is an attempt, and each shard of an embedding.',
    labels: [...step, 'outcome'],
  },
  contrail_step_retries_total: {
    type: 'counter',
    help: 'Attempts that began here after an earlier one had failed, or had been lost with its worker.',
    labels: step,
  },
  contrail_step_failures_total: {
    type: 'counter',
    help: 'Attempts that failed here, by the code of the error; `other` for an error that has none.',
    labels: [...step, 'code'],
  },
  contrail_steps_reused_total: {
    type: 'counter',
    help: 'Steps whose result was there already, in the run or in the cache.',
    labels: step,
  },
  contrail_queue_wait_seconds: {
    type: 'histogram',
    help: 'From when an attempt was due to when it began here. The first is of the clock of the server.',
    labels: ['queue'],
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200],
  },
  contrail_training_epoch: { type: 'gauge', help: 'Epoch that is being trained, from 1.', labels: training },
  contrail_training_epochs: { type: 'gauge', help: 'Epochs that the training has.', labels: training },
  contrail_training_loss: {
    type: 'gauge',
    help: 'Loss of the latest step; NaN where it is no number.',
    labels: training,
  },
  contrail_training_epoch_loss: { type: 'gauge', help: 'Mean loss of the latest finished epoch.', labels: training },
  contrail_training_images_per_second: {
    type: 'gauge',
    help: 'Images that are trained on in a second, since the epoch or its resumption began.',
    labels: training,
  },
  contrail_training_step_seconds: {
    type: 'gauge',
    help: 'Time of a training step, since the epoch or its resumption began.',
    labels: training,
  },
  contrail_training_last_checkpoint_timestamp_seconds: {
    type: 'gauge',
    help: 'When the latest checkpoint became durable, in seconds since 1970; before the first, when the training began here.',
    labels: training,
  },
  contrail_training_checkpoint_bytes: { type: 'gauge', help: 'Size of the latest checkpoint.', labels: training },
  contrail_epochs_total: { type: 'counter', help: 'Epochs that were finished here.', labels: step },
  contrail_checkpoint_seconds: {
    type: 'histogram',
    help: 'From when a checkpoint was due to when it was written, verified and durable. Training goes on meanwhile.',
    labels: step,
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  },
  contrail_checkpoint_bytes_total: {
    type: 'counter',
    help: 'Bytes of checkpoints that were written here.',
    labels: step,
  },
  contrail_lease_takeovers_total: {
    type: 'counter',
    help: 'Trainings that a trainer of this worker took over from an earlier holder of their lease, which died, was stopped, or was on another machine.',
    labels: step,
  },
  contrail_temporal_up: {
    type: 'gauge',
    help: 'Whether the server answered this worker when it was last asked.',
    labels: [],
  },
  contrail_runs: {
    type: 'gauge',
    help: 'Runs of the namespace that have not ended, running or paused, by pipeline. Every worker says the same of the namespace: take max.',
    labels: ['pipeline', 'state'],
  },
  contrail_run_steps: {
    type: 'gauge',
    help: 'Steps of runs that have not ended, by their state: waiting, running, paused, done, failed, cancelled, skipped. Each look asks at most 20 runs, those first that were asked longest ago. Take max.',
    labels: [...step, 'state'],
  },
  contrail_queue_waiting_steps: {
    type: 'gauge',
    help: "Activities that wait in a task queue, of this worker's queues and of those that open runs name, as Temporal counts them. Take max.",
    labels: ['queue'],
  },
  contrail_queue_oldest_wait_seconds: {
    type: 'gauge',
    help: 'How long the oldest of them has waited. Take max.',
    labels: ['queue'],
  },
  contrail_queue_pollers: {
    type: 'gauge',
    help: 'Workers that asked the task queue for activities in the last minutes. One whose slots are all taken does not ask. Take max.',
    labels: ['queue'],
  },
  contrail_schedule_skipped_firings_total: {
    type: 'counter',
    help: 'Firings of a schedule that started nothing: an earlier run was under way (overlap), or the server was away for too long (missed). Take max.',
    labels: ['schedule', 'reason'],
  },
  contrail_gpu_memory_used_bytes: { type: 'gauge', help: 'Memory of a GPU that is in use.', labels: ['gpu'] },
  contrail_gpu_memory_total_bytes: { type: 'gauge', help: 'Memory of a GPU.', labels: ['gpu'] },
  contrail_gpu_utilization_ratio: {
    type: 'gauge',
    help: 'Share of the time in which a GPU computed, from 0 to 1.',
    labels: ['gpu'],
  },
  contrail_metrics_errors_total: {
    type: 'counter',
    help: 'Times that what is shown here could not be read: from the server, the store, the driver of the GPUs, or the SDK of Temporal. What is not known is left out.',
    labels: ['source'],
  },
} as const satisfies Definitions;
