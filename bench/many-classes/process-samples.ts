import { ofProcess, processorOf, trainersOf } from '../trainer-processes.ts';

const intervalMs = 250;

interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Resident memory, in MiB. */
  readonly worker: number;
  /** Of all trainers together. */
  readonly trainers: number;
  /** Processor time of the worker and of all trainers that were seen, in seconds. */
  readonly processor: number;
}

/** What a worker and its trainers used between two moments. */
export interface Use {
  /** The most resident memory, in MiB. */
  readonly workerPeak: number;
  readonly trainersPeak: number;
  /** Of the processor: other programs on the machine make no difference to it. */
  readonly processorSeconds: number;
}

export interface ProcessSamples {
  /** @param from, to milliseconds since 1970 */
  readonly between: (from: number, to: number) => Use;
  readonly stop: () => void;
}

/** Looks at a worker and at the trainers of a run again and again. */
export function sampleProcesses(worker: number, run: string): ProcessSamples {
  const samples: Sample[] = [];
  /** By process; what ended keeps its last. */
  const processor = new Map<number, number>();
  const take = () => {
    const trainers = trainersOf(run);
    for (const each of [worker, ...trainers])
      processor.set(each, Math.max(processor.get(each) ?? 0, processorOf(each)));
    samples.push({
      at: Date.now(),
      worker: residentOf(worker),
      trainers: trainers.reduce((sum, trainer) => sum + residentOf(trainer), 0),
      processor: [...processor.values()].reduce((sum, seconds) => sum + seconds, 0),
    });
  };
  take();
  const timer = setInterval(take, intervalMs);
  return {
    between: (from, to) => {
      const own = samples.filter(({ at }) => at >= from && at <= to);
      const most = (of: 'worker' | 'trainers') => own.reduce((peak, sample) => Math.max(peak, sample[of]), 0);
      return {
        workerPeak: most('worker'),
        trainersPeak: most('trainers'),
        processorSeconds: (own.at(-1)?.processor ?? 0) - (own[0]?.processor ?? 0),
      };
    },
    stop: () => clearInterval(timer),
  };
}

/** In MiB; 0 for a process that has ended. */
const residentOf = (process: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(ofProcess(process, 'status'))?.[1] ?? 0) / 1024;
