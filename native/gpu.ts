import { z } from 'zod';
import { runProgram } from './programs.ts';

/** What the driver says of a GPU. */
export interface Gpu {
  readonly name: string;
  readonly driver: string;
  readonly computeCapability: string;
  readonly memoryMiB: number;
}

const row = z.tuple([z.string().min(1), z.string(), z.string(), z.coerce.number().positive()]);
const query = ['--query-gpu=name,driver_version,compute_cap,memory.total', '--format=csv,noheader,nounits'];

/** The GPUs of this machine; none where no driver answers. */
export const findGpus = (): Promise<readonly Gpu[]> => runProgram('nvidia-smi', query).then(readGpus, () => []);

/** @param csv as nvidia-smi prints it: name, driver, compute capability, MiB; a line that is none is left out */
export function readGpus(csv: string): Gpu[] {
  return csv.split('\n').flatMap((line) => {
    const read = row.safeParse(line.split(',').map((value) => value.trim()));
    if (!read.success) return [];
    const [name, driver, computeCapability, memoryMiB] = read.data;
    return [{ name, driver, computeCapability, memoryMiB }];
  });
}

/** What a GPU is, and which precision is meant for it: matrix units multiply bfloat16 from compute capability 8.0, float16 from 7.0. */
export function describeGpu({ name, driver, computeCapability, memoryMiB }: Gpu): string {
  const capability = Number(computeCapability);
  const precision = capability >= 8 ? 'bfloat16' : capability >= 7 ? 'float16' : 'float32';
  return `${name}, ${Math.round(memoryMiB / 1024)} GiB, compute capability ${computeCapability}, driver ${driver}; precision: ${precision}`;
}

const missed = [
  /Could not load dynamic library '([^']+)'/g,
  /(?:dlerror: |dlopen[^:]*: )?(lib[\w+.-]+\.so[\d.]*): cannot open shared object file/g,
];

/**
 * The libraries that TensorFlow looked for and did not find, from what it writes with `TF_CPP_MIN_LOG_LEVEL=0` while it starts.
 *
 * @returns their names, each once
 */
export const missedLibraries = (log: string): string[] => [
  ...new Set(missed.flatMap((pattern) => [...log.matchAll(pattern)].map(([, name = '']) => name))),
];

/** Why TensorFlow computes on the CPU where a GPU was chosen, from the same log. */
export function whyNoGpu(log: string): string {
  const libraries = missedLibraries(log);
  if (libraries.length > 0) return `it does not find ${libraries.join(', ')}`;
  const [, cuda] = /failed call to cuInit: (.+)/.exec(log) ?? [];
  if (cuda) return `the driver refuses: ${cuda}`;
  return 'it does not say why; `TF_CPP_MIN_LOG_LEVEL=0` shows what it writes';
}

/** What a GPU is doing. */
export interface GpuUse {
  readonly index: string;
  readonly usedMiB: number;
  readonly totalMiB: number;
  /** From 0 to 1; null where the driver does not say, as for a part of a GPU. */
  readonly utilization: number | null;
}

const useRow = z.tuple([
  z.string().regex(/^\d+$/),
  z.coerce.number().nonnegative(),
  z.coerce.number().positive(),
  z.string(),
]);
const useQuery = [
  '--query-gpu=index,memory.used,memory.total,utilization.gpu',
  '--format=csv,noheader,nounits',
] as const;

/** A driver that hangs must not hold up who asks it. */
const patienceMs = 10_000;

/**
 * What the GPUs of this machine are doing.
 *
 * @throws Error where the driver does not answer
 */
export const gpusInUse = (): Promise<readonly GpuUse[]> =>
  runProgram('nvidia-smi', useQuery, {}, 'compute', patienceMs).then(readGpuUse);

/** @param csv as nvidia-smi prints it: index, used MiB, total MiB, per cent; a line that is none is left out */
export function readGpuUse(csv: string): GpuUse[] {
  return csv.split('\n').flatMap((line) => {
    const read = useRow.safeParse(line.split(',').map((value) => value.trim()));
    if (!read.success) return [];
    const [index, usedMiB, totalMiB, percent] = read.data;
    const utilization = /^\d+$/.test(percent) ? Number(percent) / 100 : null;
    return [{ index, usedMiB, totalMiB, utilization }];
  });
}
