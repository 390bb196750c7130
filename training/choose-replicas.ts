import { times } from '../contracts/counted.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { ReplicasSetting, TrainingConfig } from '../contracts/training.ts';
import { sessionDevices } from './capture/index.ts';
import { tensorflowBuild } from './ops.ts';
import { oneReplica, type Replicas } from './replicas.ts';

/** Devices that parts of a batch can be computed on. */
export interface Devices {
  readonly kind: 'GPU' | 'CPU';
  readonly count: number;
}

/** The variable that gives a CPU several devices, which share its cores: to try on it what is meant for GPUs. */
const cpuDevices = 'CONTRAIL_CPU_DEVICES';
const mostCpuDevices = 64;

/**
 * The devices that this process computes on: its GPUs, or its CPU, which is one device unless `CONTRAIL_CPU_DEVICES` says more.
 *
 * @throws ContrailError InvalidInput where that is no number of devices
 */
export function devicesHere(environment: NodeJS.ProcessEnv = process.env): Devices {
  if (tensorflowBuild().device === 'gpu')
    return { kind: 'GPU', count: sessionDevices({}).filter((name) => name.startsWith('/device:GPU:')).length };
  const given = environment[cpuDevices] ?? '1';
  const count = /^\d{1,3}$/.test(given) ? Number(given) : 0;
  if (count < 1 || count > mostCpuDevices)
    throw new ContrailError(
      'InvalidInput',
      `${cpuDevices} is a whole number from 1 to ${mostCpuDevices}, not ${JSON.stringify(given)}.`,
    );
  return { kind: 'CPU', count };
}

/** How a training passes its batches through the network. */
export interface Passage {
  /** How many devices work side by side. */
  readonly replicas: number;
  /** The parts that pass at once. With `syncBatchNorm` all of them, several on one device where there are fewer. */
  readonly parts: Replicas;
  /** For the log; null where a batch passes as it always does. */
  readonly said: string | null;
}

type Batch = Pick<TrainingConfig, 'batch' | 'microbatch' | 'syncBatchNorm' | 'engine'>;

/**
 * Where the parts of a batch pass.
 *
 * @param asked the setting; absent for one
 * @param config with the images that a batch has and those of a part
 * @param find the devices; asked for only where it matters
 * @throws ContrailError InvalidInput where the parts cannot be shared out, or the engine cannot;
 * SetupFailed where there are fewer devices than are asked for
 */
export function choosePassage(
  asked: ReplicasSetting | undefined,
  config: Batch & { readonly microbatch: number },
  find: () => Devices = devicesHere,
): Passage {
  const { batch, microbatch } = config;
  const parts = batch / microbatch;
  requireGraph(asked, config);
  if (config.syncBatchNorm && parts === 1)
    throw new ContrailError(
      'InvalidInput',
      'syncBatchNorm joins the parts of a batch, and this batch has one. Set microbatch to a divisor of batch below it, or leave syncBatchNorm out.',
    );
  if (typeof asked === 'number') requireDivisor(asked, { batch, microbatch });
  const devices = asked === undefined || asked === 1 || config.engine === 'eager' ? null : find();
  if (typeof asked === 'number' && devices) requireDevices(asked, devices);
  const replicas = devices === null ? 1 : asked === 'auto' ? mostThatDivide(parts, devices.count) : (asked ?? 1);
  const passing =
    config.syncBatchNorm === true
      ? { count: parts, devices: namesOf(devices, replicas, parts) }
      : replicas === 1
        ? oneReplica
        : { count: replicas, devices: namesOf(devices, replicas, replicas) };
  const isSaid = asked !== undefined || config.syncBatchNorm === true;
  const said = isSaid ? describe(asked, { batch, parts, passing }, replicas, devices) : null;
  return { replicas, parts: passing, said };
}

function requireGraph(asked: ReplicasSetting | undefined, { engine, syncBatchNorm }: Batch): void {
  if (engine !== 'eager') return;
  const what = typeof asked === 'number' && asked > 1 ? `replicas: ${asked}` : syncBatchNorm ? 'syncBatchNorm' : null;
  if (what !== null)
    throw new ContrailError('InvalidInput', `${what} is in the captured graph, so it needs engine: graph.`);
}

function requireDivisor(asked: number, { batch, microbatch }: { readonly batch: number; readonly microbatch: number }) {
  const parts = batch / microbatch;
  if (parts % asked === 0) return;
  const remedy =
    batch % asked === 0
      ? `Set microbatch to ${batch / asked}, or to a divisor of it`
      : `Choose a batch that is a multiple of ${asked}, and set microbatch to a divisor of its ${asked}th part`;
  throw new ContrailError(
    'InvalidInput',
    `replicas: ${asked} shares out the parts of a batch, and one of ${batch} images is in ${parts === 1 ? 'one part' : `${parts} parts (microbatch: ${microbatch})`}. ${remedy}.`,
  );
}

function requireDevices(asked: number, { kind, count }: Devices): void {
  if (count >= asked) return;
  const found = kind === 'GPU' ? `${count === 1 ? 'there is 1' : `there are ${count}`}` : 'there are 0';
  const remedy =
    kind === 'GPU'
      ? `Set replicas to ${count} or auto, which changes no number, or let a worker with more GPUs serve the queue`
      : 'Set replicas to auto, which changes no number, or let a worker with GPUs serve the queue (`contrail doctor` says what is missing where there should be some)';
  throw new ContrailError('SetupFailed', `replicas: ${asked} asks for ${asked} GPUs, and ${found} here. ${remedy}.`);
}

const mostThatDivide = (parts: number, most: number): number => {
  for (let count = Math.min(parts, most); count > 1; count--) if (parts % count === 0) return count;
  return 1;
};

/** The device of each part that passes at once: neighbours share one. */
const namesOf = (devices: Devices | null, replicas: number, parts: number): string[] =>
  devices === null || replicas === 1
    ? []
    : Array.from({ length: parts }, (_, part) => `/device:${devices.kind}:${Math.floor((part * replicas) / parts)}`);

function describe(
  asked: ReplicasSetting | undefined,
  { batch, parts, passing }: { readonly batch: number; readonly parts: number; readonly passing: Replicas },
  replicas: number,
  devices: Devices | null,
): string {
  const rounds = parts / passing.count;
  const how =
    parts === 1 ? 'in one part' : `in ${parts} parts, ${rounds === 1 ? 'all at once' : `${passing.count} at a time`}`;
  const passes = `a batch of ${batch} images passes ${how}`;
  if (asked === undefined) return `syncBatchNorm: ${passes}`;
  const of = devices === null ? '' : ` of ${times(devices.count, devices.kind)}`;
  const idle =
    asked === 'auto' && devices !== null && replicas < devices.count && batch % devices.count === 0
      ? `; microbatch: ${batch / devices.count} would use all ${devices.count}`
      : '';
  return `replicas: ${asked === 'auto' ? 'auto, ' : ''}${replicas}${of}; ${passes}${idle}`;
}
