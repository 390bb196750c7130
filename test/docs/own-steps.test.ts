import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPipelineFile } from '../../cli/pipeline-file.ts';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import type { Json } from '../../contracts/json.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { runParameters } from '../../contracts/kinds/run.ts';
import { describeDataset, loadSplit, prepareDataset } from '../../datasets/index.ts';
import { runOwnStep, runProgram } from '../../own-steps/index.ts';
import { resolveResults } from '../../pipelines/language/index.ts';
import { openStore } from '../../store/index.ts';
import { writeFiles } from '../own-steps/folder.ts';

const page = readFileSync(new URL('../../docs/own-steps.md', import.meta.url), 'utf8');
/** What the page shows: pipelines by their names, and files by the names in their first lines. */
const shown = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, language = '', text = '']) => {
  const [, file] = /^(?:#|\/\/) ([\w/.-]+\.\w+)\n/.exec(text) ?? [];
  const [, name] = /^name: (\S+)\n/.exec(text) ?? [];
  return language === 'yaml' && name ? [[`${name}.yaml`, text] as const] : file ? [[file, text] as const] : [];
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-shown-'));
  await writeFiles(folder, Object.fromEntries(shown));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('the page on steps of your own shows a pipeline and the file that it runs', () =>
  expect(shown.map(([name]) => name)).toEqual(expect.arrayContaining(['brightness.yaml', 'measure.py'])));

it.each(shown.filter(([name]) => name.endsWith('.yaml')).map(([name]) => name))(
  '%s runs as it is shown',
  async (name) => {
    const pipeline = await openPipelineFile(join(folder, name));
    const plan = pipeline.plan({});
    const [store, cacheFolder] = [openStore(join(folder, 'store')), join(folder, 'cache')];
    await pipeline.code.store(store);
    const results: Record<string, Json> = {};
    const lines: string[] = [];
    for (const step of plan.steps) {
      const given = resolveResults(step.with, results);
      if (step.uses === 'prepare-data') {
        const { ref } = await prepareDataset(store, prepareDataParameters.parse(given), { cacheFolder });
        results[step.id] = { dataset: { ...ref } };
      } else if (step.uses === 'pretrain') {
        // What a training reads first; that it comes to its end takes TensorFlow, and is shown elsewhere.
        const { step: source, field } = step.inputs.dataset ?? { step: '', field: '' };
        const ref = (results[source] as Record<string, ArtifactRef>)[field] as ArtifactRef;
        const { classes } = await describeDataset(store, ref);
        results[step.id] = { classes: [...classes], images: (await loadSplit(store, ref, 'train')).count };
      } else {
        const common = {
          key: { run: 'shown', step: step.id },
          attempt: 1,
          store,
          cacheFolder,
          signal: new AbortController().signal,
          onLine: (line: string) => void lines.push(line),
          onProgress: () => {},
        };
        const inputs = Object.fromEntries(
          Object.entries(step.inputs).map(([input, { step: source, field }]) => [
            input,
            (results[source] as Record<string, ArtifactRef>)[field] as ArtifactRef,
          ]),
        );
        results[step.id] = (
          step.own && step.code
            ? await runOwnStep({
                ...common,
                kind: step.own,
                code: step.code,
                inputs,
                parameters: given as Record<string, Json>,
                fingerprint: 'shown',
              })
            : await runProgram({ ...common, parameters: runParameters.parse(given), code: step.code })
        ) as Json;
      }
    }
    if (name === 'deduped.yaml') expect(lines).toEqual(['2 files are left', 'b', 'c']);
    if (name === 'two-data-sets.yaml') {
      expect(results['on-shapes']).toEqual({ classes: ['disc', 'square'], images: expect.any(Number) });
      expect(results['on-waves']).toEqual({ classes: ['lying', 'upright'], images: expect.any(Number) });
      expect(results.waves).toMatchObject({ images: 80, waves: { kind: 'dataset' } });
      expect(lines).toEqual([]);
    }
    if (name === 'brightness.yaml') {
      expect(results.measure).toMatchObject({ images: expect.any(Number), mean: expect.any(Number) });
      expect(lines).toEqual([
        expect.stringMatching(/^measured \d+ images$/),
        expect.stringMatching(/^the mean is \d+/),
      ]);
    }
  },
);
