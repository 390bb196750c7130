import type { StepKey } from '../../contracts/identifiers.ts';
import { type Channel, channelEnvironment, openChannel } from './channel.ts';
import { type ComputeProcess, startComputeProcess } from './compute-process.ts';

/** A trainer's process, as the worker sees it. */
export interface TrainerProcess extends ComputeProcess {
  /** `run/step`, for messages. */
  readonly name: string;
  readonly channel: Channel;
}

export interface TrainerProcessOptions {
  /** The module that the process runs; it is given run, step and store URL as arguments. */
  readonly entry: URL;
  readonly storeUrl: string;
  /** Added to the environment: library paths, log levels. */
  readonly environment: Readonly<Record<string, string>>;
  /** Lines that trainers write to their output. */
  readonly log: (key: StepKey, line: string) => void;
}

/** Starts the process of a trainer. */
export function startTrainer(key: StepKey, options: TrainerProcessOptions): TrainerProcess {
  const { entry, storeUrl, environment, log } = options;
  const started = startComputeProcess({
    entry,
    args: [key.run, key.step, storeUrl],
    environment: { ...environment, ...channelEnvironment },
    log: (line) => log(key, line),
  });
  return { name: `${key.run}/${key.step}`, channel: openChannel(started.child), ...started };
}
