import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFolder } from '../../folder.ts';
import type { OwnWorkload } from '../../ours.ts';
import type { PytorchSettings } from '../../pytorch/peer.ts';
import { runChild } from '../child.ts';
import type { Tell } from '../figures.ts';
import { kernelTimes, readTrace } from '../kernel-times.ts';

const source = fileURLToPath(new URL('../kernel-trace.cc', import.meta.url));
const steps = 4;
const shownKernels = 30;

/** Which kernels a step runs and for how long, as CUPTI records them: ours, or PyTorch's where settings are given. */
export async function kernels(
  { workload, settings }: { readonly workload: OwnWorkload; readonly settings?: PytorchSettings },
  tell: Tell,
): Promise<void> {
  const cupti = findCupti();
  if (cupti === null) return tell('kernels', 'no CUPTI on this machine');
  await withFolder(async (folder) => {
    const library = join(folder, 'kernel-trace.so');
    const trace = join(folder, 'trace');
    execFileSync('g++', [
      ...['-O2', '-fPIC', '-shared', ...recordVersions(cupti.header), `-I${dirname(cupti.header)}`],
      ...cupti.includes.map((each) => `-I${each}`),
      ...[source, '-o', library, cupti.library, `-Wl,-rpath,${dirname(cupti.library)}`],
    ]);
    let milliseconds = Number.NaN;
    const why = await runChild(
      settings ? 'pytorch-step' : 'our-step',
      { workload, settings },
      {
        environment: { CUDA_INJECTION64_PATH: library, CONTRAIL_KERNEL_TRACE: trace },
        limitSeconds: 120,
        onFigure: ({ figure, value }) => {
          if (figure === 'step') milliseconds = Number(value);
        },
      },
    );
    if (why !== null) throw new Error(why);
    const times = kernelTimes(readTrace(await readFile(trace, 'utf8')), steps, milliseconds);
    tell('a step, traced', milliseconds, 'ms');
    tell('a kernel or copy ran', times.busy, 'ms');
    tell('nothing ran', times.idle, 'ms');
    tell('kernels a step', times.kernels);
    tell('copied a step', times.copiedBytes / 2 ** 20, 'MiB');
    for (const { name, milliseconds: each, count } of times.byName.slice(0, shownKernels))
      tell(`${each.toFixed(2)} ms in ${count.toFixed(1)}`, name);
  });
}

/** Where CUDA's packages are: a whole installation, or Python's wheels. */
function findCupti() {
  const wanted = ['-name', 'cupti.h', '-o', '-name', 'libcupti.so.1*', '-o', '-name', 'cuda_runtime_api.h'];
  // It ends with 1 where a folder cannot be read, and has found the rest.
  const { stdout } = spawnSync('find', ['-L', '/usr/local', '/opt', '-maxdepth', '9', ...wanted], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const found = (stdout ?? '').split('\n').filter((path) => path !== '');
  const header = found.find((path) => basename(path) === 'cupti.h');
  const library = found.find((path) => basename(path).startsWith('libcupti.so.1'));
  if (header === undefined || library === undefined) return null;
  const includes = found.filter((path) => basename(path) === 'cuda_runtime_api.h').map((path) => dirname(path));
  return { header, library, includes };
}

/** The newest records that the header has: that is what this CUPTI writes. */
function recordVersions(header: string): readonly string[] {
  const text = readFileSync(join(dirname(header), 'cupti_activity.h'), 'utf8');
  const records = { KERNEL_RECORD: 'CUpti_ActivityKernel', COPY_RECORD: 'CUpti_ActivityMemcpy' };
  return Object.entries(records).flatMap(([macro, name]) => {
    const versions = [...text.matchAll(new RegExp(`^} ${name}(\\d+);`, 'gm'))].map(([, version]) => Number(version));
    return versions.length === 0 ? [] : [`-D${macro}=${name}${Math.max(...versions)}`];
  });
}
