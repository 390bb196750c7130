import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { withServices } from '../../temporal.ts';
import type { Tell } from '../figures.ts';
import { watchGpu } from '../gpu-samples.ts';

export interface RealTraining {
  /** A folder of CIFAR-10, as binary files or as images by class; null for generated images. */
  readonly data: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly probe: Readonly<Record<string, unknown>>;
}

/** A whole run by server, worker and trainer: prepare, train, probe, evaluate, report. */
export async function training({ data, parameters, probe }: RealTraining, tell: Tell): Promise<void> {
  await withServices(async ({ run }) => {
    const started = performance.now();
    const use = watchGpu();
    const told = new Map<string, string>();
    const results = await run(
      'bench-gpu',
      JSON.stringify({
        name: 'bench-gpu',
        steps: {
          data: { uses: 'prepare-data', with: dataParameters(data) },
          pretrain: { uses: 'pretrain', needs: ['data'], with: parameters },
          probe: { uses: 'linear-probe', needs: ['pretrain'], with: probe },
          evaluate: { uses: 'evaluate', needs: ['probe'] },
          report: { uses: 'report', needs: ['evaluate'] },
        },
      }),
      ({ steps }) => {
        for (const { id, state, epoch, trouble } of steps) {
          const how = [
            state,
            ...(epoch === null ? [] : [`${epoch} epochs`]),
            ...(trouble ? [trouble.error.message] : []),
          ].join(', ');
          if (told.get(id) === how) continue;
          told.set(id, how);
          tell(`${id}: ${how}, after`, (performance.now() - started) / 1000, 's');
        }
      },
    );
    const gpu = use();
    tell('whole run', (performance.now() - started) / 1000, 's');
    for (const [step, result] of Object.entries(results))
      for (const [name, value] of Object.entries(result))
        if (typeof value === 'number' || typeof value === 'string') tell(`${step}: ${name}`, value);
    if (gpu === null) return;
    tell('GPU memory, peak', gpu.peakMebibytes, 'MiB');
    tell('GPU busy', gpu.busy, '%');
  });
}

function dataParameters(path: string | null) {
  if (path === null) return { dataset: 'generated', generated: { classes: 4, images: 256 } };
  const binary = existsSync(join(path, 'data_batch_1.bin'));
  return { dataset: binary ? 'cifar10' : 'image-folder', path };
}
