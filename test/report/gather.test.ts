import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embeddingFile, evaluationFile, predictionsFile } from '../../contracts/evaluation.ts';
import type { Json } from '../../contracts/json.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import type { LogLine } from '../../contracts/logs.ts';
import { reportSchema } from '../../contracts/report.ts';
import { prepareDataset } from '../../datasets/index.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { interruptionsOf } from '../../report/gather/trainings.ts';
import { buildComparison, buildReport, gather, headlineOf, writeReport } from '../../report/index.ts';
import { writeReportInThread } from '../../report/thread/index.ts';
import {
  acquireLease,
  bytesOf,
  encodeSafetensors,
  jsonBytes,
  loadStepResults,
  openRunLog,
  openStore,
  parseJson,
  recordRun,
  saveEpochMetrics,
  savePlan,
  saveStepResult,
  writeArtifact,
} from '../../store/index.ts';
import { complete } from './complete.ts';

const run = 'goods-1';
const text = `name: goods
steps:
  data: { uses: prepare-data, with: { dataset: generated } }
  supcon: { uses: pretrain, needs: [data], with: { encoder: small-resnet, epochs: 3 } }
  probe: { uses: linear-probe, needs: [supcon] }
  measure: { uses: evaluate, needs: [probe] }
  broken: { uses: evaluate, needs: [probe] }
`;
const width = 6;
let folder: string;
let store: ReturnType<typeof openStore>;

/** A run that trained, was killed once, was measured, and whose last step failed. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-report-'));
  store = openStore(join(folder, 'store'));
  const params = prepareDataParameters.parse({ dataset: 'generated', generated: { classes: 4, images: 160 } });
  const { ref: dataset, about } = await prepareDataset(store, params, { cacheFolder: join(folder, 'cache') });
  const count = about.splits.test.count;
  const createdAt = '2026-11-24T09:00:00.000Z';
  for (const id of [run, 'goods-2']) {
    await savePlan(store, id, parsePipeline({ text, file: 'goods.yaml' }));
    await recordRun(store, { run: id, pipeline: 'goods', params: {}, createdAt, environment: { node: id } });
  }
  const key = { run, step: 'supcon' };
  const line = { level: 'info', run, step: 'supcon', source: 'worker' } as const;
  const log = openRunLog(store, run, 'worker-1');
  await log.append([{ ...line, time: new Date(Date.now() - 2000).toISOString(), message: 'epoch-1: started' }]);
  await acquireLease(store, key, 'one pid 12');
  await new Promise((resolve) => setTimeout(resolve, 20));
  await log.append([
    { ...line, time: new Date().toISOString(), message: 'epoch-2: started' },
    { ...line, step: 'broken', level: 'error', time: new Date().toISOString(), message: 'no memory' },
  ]);
  await acquireLease(store, key, 'two pid 7');
  for (const epoch of [1, 2, 3])
    await saveEpochMetrics(store, key, {
      epoch,
      loss: 4 - epoch / 10,
      learningRate: 0.1,
      imagesPerSecond: 100,
      seconds: 5,
    });
  const done = { fingerprint: '{}', seconds: 12, finishedAt: '2026-11-24T10:00:00.000Z' };
  await saveStepResult(store, { run, step: 'data' }, { ...done, result: { dataset } });
  await saveStepResult(store, key, { ...done, result: { epochs: 3, trained: key } });
  const labels = Int32Array.from({ length: count }, (_, row) => row % 4);
  const probabilities = Float32Array.from({ length: count * 4 }, (_, at) =>
    at % 4 === Math.floor(at / 4) % 4 ? 0.7 : 0.1,
  );
  const embedding = Float32Array.from({ length: count * width }, (_, at) =>
    at % width === Math.floor(at / width) % 4 ? 5 : Math.sin(at),
  );
  const rows = Int32Array.from({ length: count }, (_, row) => row);
  const evaluation = {
    ...complete.evaluations[0]?.evaluation,
    classes: about.classes,
    dataset: about.name,
    worst: [],
    mostConfused: [],
  };
  const ref = await writeArtifact(store, {
    kind: 'evaluation',
    about: { classifier: dataset, encoder: dataset, dataset },
    files: [
      { path: evaluationFile, content: jsonBytes(evaluation) },
      {
        path: predictionsFile,
        content: encodeSafetensors([
          { name: 'labels', dtype: 'I32', shape: [count], data: bytesOf(labels) },
          { name: 'probabilities', dtype: 'F32', shape: [count, 4], data: bytesOf(probabilities) },
        ]),
      },
      {
        path: embeddingFile,
        content: encodeSafetensors([
          { name: 'rows', dtype: 'I32', shape: [count], data: bytesOf(rows) },
          { name: 'embedding', dtype: 'F32', shape: [count, width], data: bytesOf(embedding) },
        ]),
      },
    ],
  });
  await saveStepResult(store, { run, step: 'measure' }, { ...done, result: { evaluation: ref } });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function resultsOfRun(): Promise<Record<string, Json>> {
  const results = await loadStepResults(store, run);
  return { ...results.measure?.result, ...results.data?.result };
}

describe('gathering a run', () => {
  it('finds the trainings, and that a process was replaced', async () => {
    const { trainings, machines } = await gather(store, run, { maps: false });
    expect(trainings).toHaveLength(1);
    expect(trainings[0]).toMatchObject({
      step: 'supcon',
      arm: 'supcon',
      loss: 'SupCon',
      plannedEpochs: 3,
      finished: true,
      takenFrom: null,
    });
    expect(trainings[0]?.epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(trainings[0]?.interruptions).toMatchObject([{ kind: 'restart', owner: 'two pid 7', epoch: 2 }]);
    expect(machines).toEqual(['one', 'two']);
  });

  it('follows an evaluation back to the training whose encoder it measured', async () => {
    const { evaluations } = await gather(store, run, { maps: false });
    expect(evaluations).toMatchObject([{ step: 'measure', arm: 'supcon', variant: '', map: null }]);
  });

  it('takes what a model brings along for no measurement of its own', async () => {
    const taken = parsePipeline({
      text: 'name: stale\nsteps:\n  current: { uses: use-model, with: { model: goods } }\n',
      file: 's.yaml',
    });
    const { evaluation, dataset } = await resultsOfRun();
    await savePlan(store, 'stale-1', taken);
    const result: Record<string, Json> = { evaluation: evaluation ?? null, dataset: dataset ?? null };
    await saveStepResult(store, { run: 'stale-1', step: 'current' }, { fingerprint: '{}', result });
    const report = await gather(store, 'stale-1', { maps: false });
    expect([report.evaluations, report.data]).toEqual([[], []]);
    expect(headlineOf(report)).toMatchObject({ arm: null, top1: null, testImages: null });
  });

  it('is a report where a step failed, and says why', async () => {
    const { steps } = await gather(store, run, { maps: false });
    expect(steps.find(({ step }) => step === 'broken')).toMatchObject({ done: false, problem: 'no memory' });
  });

  it('takes the step that writes it for done: its reader holds what it writes', async () => {
    const { steps } = await gather(store, run, { maps: false, writtenBy: 'broken' });
    expect(steps.find(({ step }) => step === 'broken')).toMatchObject({ done: true, problem: null });
  });

  it('places the same images at the same places every time, near those of their class', async () => {
    const [first, second] = [await gather(store, run), await gather(store, run)];
    const map = first.evaluations[0]?.map;
    expect(second.evaluations[0]?.map).toEqual(map);
    const near = map?.points.filter(({ label, neighbours }) => map.points[neighbours[0] ?? -1]?.label === label) ?? [];
    expect(near.length).toBeGreaterThan(0.9 * (map?.points.length ?? 0));
    expect(map?.points.every(({ predicted, label, confidence }) => predicted === label && confidence === 0.7)).toBe(
      true,
    );
  });

  it('names a run that the store does not know', () =>
    expect(gather(store, 'other')).rejects.toMatchObject({ code: 'RunNotFound' }));
});

describe('a report', () => {
  it('is written into the folder of its run, as a page, as data and as drawings', async () => {
    const { files } = await buildReport(store, run);
    const page = await writeReport(store, run, files);
    expect(page).toBe(store.locate(`runs/${run}/report/report.html`));
    const names = (await store.list(`runs/${run}/report`)).map(({ path }) => path.split('/report/')[1]);
    expect(names).toEqual(
      expect.arrayContaining(['report.html', 'report.json', 'plots/loss-supcon.svg', 'plots/map-umap-supcon.png']),
    );
    expect(reportSchema.parse(parseJson(await store.read(`runs/${run}/report/report.json`))).run).toBe(run);
    expect(new TextDecoder().decode(files.get('report.html'))).toContain('data:image/png;base64,');
  });

  it('written in a thread is the same, and says how far it is and what it found', async () => {
    const { files, report } = await buildReport(store, run);
    const phases: string[] = [];
    const written = await writeReportInThread(store, run, {
      title: undefined,
      seed: 0,
      onProgress: (phase) => phases.push(phase),
    });
    expect(written).toEqual({ files: files.size, headline: headlineOf(report) });
    expect(phases).toEqual(expect.arrayContaining(['pictures', 'drawings']));
    for (const [path, content] of files)
      if (path.endsWith('.svg'))
        expect(await store.read(`runs/${run}/report/${path}`), path).toEqual(Buffer.from(content));
  });

  it('written in a thread fails as it does here, and ends when asked to', async () => {
    const options = { title: undefined, seed: 0, onProgress: () => {} };
    await expect(writeReportInThread(store, 'other', options)).rejects.toMatchObject({ code: 'RunNotFound' });
    const asked = new AbortController();
    const onProgress = () => asked.abort(new Error('enough'));
    await expect(writeReportInThread(store, run, { ...options, onProgress, signal: asked.signal })).rejects.toThrow(
      'enough',
    );
  });

  it('compares runs, one of which has done nothing yet', async () => {
    const { files, name } = await buildComparison(store, [run, 'goods-2']);
    const page = new TextDecoder().decode(files.get(`${name}.html`));
    expect(page).toContain('environment.node');
    expect(page).toContain('goods-2');
    expect(page).toContain('<section id="classes"');
    // That of a step called compare.
    expect(files.has('compare.json')).toBe(false);
  });
});

describe('a lease that was taken again', () => {
  const lease = (token: number, takenAt: string) => ({ token, owner: `vm pid ${token}`, takenAt });
  const leases = [lease(1, '2026-01-01T10:00:00.000Z'), lease(2, '2026-01-01T11:00:00.000Z')];

  it('is a resume where a person resumed the run in between', () => {
    expect(interruptionsOf(leases, [], ['2026-01-01T10:30:00.000Z'])).toMatchObject([{ kind: 'resume', epoch: null }]);
    expect(interruptionsOf(leases, [], ['2026-01-01T11:30:00.000Z'])).toMatchObject([{ kind: 'restart' }]);
  });

  it('belongs to the epoch whose attempt began last before it', () => {
    const line = (time: string, message: string): LogLine => ({
      time,
      message,
      level: 'info',
      run,
      step: 'supcon',
      source: 'worker',
    });
    const log = [
      line('2026-01-01T10:00:00.000Z', 'epoch-1: started'),
      line('2026-01-01T10:59:00.000Z', 'epoch-7: started'),
      line('2026-01-01T11:20:00.000Z', 'epoch-8: started'),
    ];
    expect(interruptionsOf(leases, log, [])).toMatchObject([{ epoch: 7 }]);
  });
});
