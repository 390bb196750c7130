import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openPipelineFile } from '../../cli/pipeline-file.ts';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { runParameters } from '../../contracts/kinds/run.ts';
import { describeDataset, prepareDataset } from '../../datasets/index.ts';
import {
  codeOf,
  describeOwnStep,
  type OwnStepWork,
  readSources,
  runOwnStep,
  runProgram,
  storeCode,
} from '../../own-steps/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { writeFiles } from './folder.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-dataset-output-'));
afterAll(() => rm(root, { recursive: true, force: true }));

let home: string;
let store: Store;
const lines: string[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(root, 'home-'));
  store = openStore(join(home, 'store'));
  lines.length = 0;
});

const attempt = () => ({
  key: { run: 'r', step: 's' },
  attempt: 1,
  store,
  cacheFolder: join(home, 'cache'),
  signal: new AbortController().signal,
  onLine: (line: string) => void lines.push(line),
  onProgress: () => {},
});

const failure = async (work: Promise<unknown>) => {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('it did not fail');
  return { code: 'code' in error ? error.code : error.name, message: error.message };
};

describe('a program that makes a data set', () => {
  /** Draws PNG files by Python's standard library alone. */
  const draw = readFileSync(fileURLToPath(new URL('../../pipelines/steps/draw.py', import.meta.url)), 'utf8');

  async function run(command: readonly string[], output: object, files: Readonly<Record<string, string>> = {}) {
    const beside = await mkdtemp(join(root, 'beside-'));
    await writeFiles(beside, files);
    const found = readSources(beside, { command: [], sources: Object.keys(files) });
    if (!('files' in found)) throw new Error(found.problem);
    const code = codeOf(found.files);
    await storeCode(store, code);
    const parameters = runParameters.parse({ command, outputs: { images: { dataset: 'made/images', ...output } } });
    return runProgram({ ...attempt(), parameters, code: code.ref });
  }

  it('is given what prepare-data makes of the same folder', async () => {
    const params = { validation: 0.2, test: 0.3, seed: 7 };
    const words = ['--images', '12'];
    const result = await run(
      ['env', 'CONTRAIL_RESULT=/dev/null', 'python3', 'draw.py', '--out', '${outputs.images}', ...words],
      params,
      {
        'draw.py': draw,
      },
    );
    expect(result).toEqual({ images: { kind: 'dataset', digest: expect.any(String) } });

    const path = join(home, 'images');
    await writeFiles(home, { 'draw.py': draw });
    execFileSync('python3', [join(home, 'draw.py'), '--out', path, ...words], {
      env: { ...process.env, CONTRAIL_PROGRESS: '/dev/null', CONTRAIL_RESULT: '/dev/null' },
    });
    const prepared = await prepareDataset(
      openStore(join(home, 'other')),
      prepareDataParameters.parse({ dataset: 'image-folder', path, ...params }),
      { cacheFolder: home },
    );
    expect(result.images).toEqual(prepared.ref);
    expect((await describeDataset(store, prepared.ref)).classes).toEqual(['circle', 'cross', 'square']);
    expect(await readdir(join(home, 'cache/own-steps'))).toEqual([]);
  });

  it('hears of each image that cannot be used, and where every file is listed', async () => {
    const photos = await photosOf(['a', 'b'], 8);
    await run(
      ['sh', 'copy.sh', photos],
      {},
      { 'copy.sh': `mkdir -p made; cp -r "$1" made/images; echo '<svg>' > made/images/a/drawing.svg` },
    );
    expect(lines).toContain(
      'images: 17 files found: 16 used, 0 left out by limit, 1 rejected, 0 of file managers ignored',
    );
    expect(lines).toContainEqual(expect.stringMatching(/^images: rejected: a\/drawing\.svg is an SVG drawing/));
    const list =
      lines.find((line) => line.startsWith('images: every file: '))?.slice('images: every file: '.length) ?? '';
    expect(await readFile(list, 'utf8')).toMatch(/a\/drawing\.svg/);
  });

  it.each<readonly [string, string, object, RegExp]>([
    ['no folder', 'true', {}, /^The output images is missing: the program wrote no folder made\/images\.$/],
    ['a file', 'mkdir -p made; echo x > made/images', {}, /must be a folder: made\/images is none/],
    ['a link', 'mkdir -p made other; ln -s ../other made/images', {}, /is, or lies behind, a link/],
    [
      'an empty folder',
      'mkdir -p made/images',
      {},
      /^The output images cannot be a data set\. made\/images cannot be used as it is/,
    ],
    ['one class', 'mkdir -p made/images; cp -r "$1/a" made/images', {}, /has 1 class folder; at least 2 are needed/],
    [
      'files beside the classes',
      'mkdir -p made; cp -r "$1" made/images; cp "$1"/a/0.png made/images',
      { maximumRejected: 0 },
      /0\.png: lies beside the folders/,
    ],
    [
      'too many files that are no images',
      'mkdir -p made; cp -r "$1" made/images; for i in 1 2 3; do echo > made/images/a/$i.txt; done',
      { maximumRejected: 2 },
      /3 files cannot be used, and maximumRejected is 2/,
    ],
  ])('is refused for good, by what is wrong, where it leaves %s', async (_, script, output, message) => {
    const photos = await photosOf(['a', 'b'], 8);
    const found = await failure(run(['sh', 'make.sh', photos], output, { 'make.sh': script }));
    expect(found).toEqual({ code: 'InvalidResult', message: expect.stringMatching(message) });
    expect(found.message).not.toContain(join(home, 'cache'));
  });
});

/** PNG files in a folder for each class, by the name of their number. */
async function photosOf(classes: readonly string[], count: number): Promise<string> {
  const photos = await mkdtemp(join(home, 'photos-'));
  for (const [label, name] of classes.entries()) {
    await mkdir(join(photos, name));
    for (let index = 0; index < count; index++) {
      const pixels = Uint8Array.from({ length: 1024 }, (_, at) => (at * (index + 3) + label * 99) % 251);
      await sharp(pixels, { raw: { width: 32, height: 32, channels: 1 } })
        .png()
        .toFile(join(photos, name, `${index}.png`));
    }
  }
  return photos;
}

describe('a step in TypeScript that makes a data set', () => {
  const header = `
import { createDatasetWriter } from 'contrail/dataset';
import { defineStep, z } from 'contrail/define';
async function* images(count: number) {
  for (let index = 0; index < count; index++) {
    const pixels = Uint8Array.from({ length: 1024 }, (_, at) => (at * (index + 3)) % 251);
    yield { class: index % 2 === 0 ? 'even' : 'odd', pixels, height: 32, width: 32, channels: 1 as const };
  }
}
`;
  const stepOf = (body: string) => `${header}
export default defineStep({
  outputs: { images: 'dataset' },
  result: z.object({ digest: z.string(), test: z.int() }),
  run: async ({ outputs }) => {
    ${body}
  },
});
`;
  const written = `
    const writer = createDatasetWriter(outputs.images, { classes: ['even', 'odd'], seed: 3 });
    await writer.addAll(images(40));
    const { digest, counts } = await writer.finish();
    return { digest, test: counts.test };`;

  async function run(text: string, more: Partial<OwnStepWork> = {}) {
    const beside = await mkdtemp(join(root, 'beside-'));
    await writeFiles(beside, { 'step.ts': text });
    const found = await describeOwnStep(beside, './step.ts');
    if ('problem' in found) throw new Error(found.problem);
    await storeCode(store, found.code);
    const task = { kind: found.kind, code: found.code.ref, parameters: {}, inputs: {}, fingerprint: 'f' };
    return runOwnStep({ ...attempt(), ...task, ...more });
  }

  it('gives the artifact that its writer wrote', async () => {
    const result = await run(stepOf(written));
    expect(result.images).toEqual({ kind: 'dataset', digest: result.digest });
    const about = await describeDataset(store, result.images as ArtifactRef);
    expect(about.classes).toEqual(['even', 'odd']);
    expect(about.splits.test.count).toBe(result.test);
    expect(await readdir(join(home, 'cache/own-steps'))).toEqual([]);
  });

  it.each<readonly [string, string, string, RegExp]>([
    [
      'never ends its writer',
      written.replace('await writer.finish()', "{ digest: '', counts: { test: 0 } }"),
      'InvalidResult',
      /^The output images cannot be a data set\. There is no data set: a writer of data sets writes one at its `finish\(\)`\.$/,
    ],
    [
      'writes what is no data set',
      "await import('node:fs').then((fs) => fs.writeFileSync(outputs.images + '/a.csv', 'x')); return { digest: '', test: 0 };",
      'InvalidResult',
      /there is a\.csv beside it/,
    ],
    [
      'leads out of its folder',
      "await import('node:fs').then((fs) => fs.symlinkSync('/etc', outputs.images + '/artifacts')); return { digest: '', test: 0 };",
      'InvalidResult',
      /holds artifacts, which is a link/,
    ],
    [
      'adds an image of no class',
      written.replace("['even', 'odd']", "['even', 'uneven']"),
      'ProgramRefused',
      /^\.\/step\.ts failed: image 2 cannot be added: there is no class "odd"\.$/,
    ],
    ['has one class only', written.replace('images(40)', 'images(1)'), 'ProgramRefused', /at least 2 are needed/],
  ])('that %s fails for good, and says so', async (_, body, code, message) => {
    expect(await failure(run(stepOf(body)))).toEqual({ code, message: expect.stringMatching(message) });
    expect(await store.list('artifacts/dataset')).toEqual([]);
  });

  it('goes into what our steps take, and nothing else does, before anything starts', async () => {
    const beside = await mkdtemp(join(root, 'beside-'));
    const planned = async (steps: string) => {
      await writeFiles(beside, { 'p.yaml': `name: p\nsteps:\n${steps}`, 'steps/made.ts': stepOf(written) });
      return (await openPipelineFile(join(beside, 'p.yaml'))).plan({});
    };
    const [, pretrain] = (
      await planned('  made: { uses: ./steps/made.ts }\n  pretrain: { uses: pretrain, needs: [made] }\n')
    ).steps;
    expect(pretrain?.inputs).toEqual({ dataset: { step: 'made', field: 'images', kind: 'dataset' } });
    const [, byName] = (
      await planned(`  made: { uses: run, with: { command: [x], outputs: { a: { folder: a }, b: { dataset: b } } } }
  pretrain: { uses: pretrain, with: { dataset: "\${steps.made.result.b}" } }
`)
    ).steps;
    expect(byName?.inputs).toEqual({ dataset: { step: 'made', field: 'b', kind: 'dataset' } });
    for (const [what, message] of [
      [
        '{ uses: run, with: { command: [x], outputs: { a: { folder: a } } } }',
        /p\.yaml:4:\d+: step pretrain cannot run: it takes a dataset/,
      ],
      ['{ uses: run, with: { command: [x], outputs: { a: { dataset: a, sead: 1 } } } }', /p\.yaml:3:\d+: .*sead/],
    ] as const)
      await expect(planned(`  made: ${what}\n  pretrain: { uses: pretrain, needs: [made] }\n`)).rejects.toThrow(
        message,
      );
    await expect(
      planned(`  made: { uses: run, with: { command: [x], outputs: { a: { folder: a } } } }
  pretrain: { uses: pretrain, with: { dataset: "\${steps.made.result.a}" } }
`),
    ).rejects.toThrow(/p\.yaml:4:\d+: dataset must be the dataset of a step/);
    await expect(
      planned(`  made: { uses: ./steps/made.ts }
  data: { uses: prepare-data, with: { dataset: image-folder, from: "\${steps.made.result.images}" } }
`),
    ).rejects.toThrow(
      /p\.yaml:4:\d+: from must be the files of a step; images of \.\/steps\/made\.ts is of the kind dataset/,
    );
  });
});
