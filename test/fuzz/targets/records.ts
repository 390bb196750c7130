import type { Store } from '../../../store/index.ts';
import { memoryStore } from '../../memory-store.ts';
import {
  beheaded,
  behindHead,
  bytesOfText,
  type Form,
  headed,
  type OpenTarget,
  type Target,
  Violation,
} from '../engine/target.ts';

/** Files that lie at their places in a store, of which one is damaged: what reads them then? */
export interface Records {
  /** All that lie there, by their paths. */
  readonly files: Readonly<Record<string, Uint8Array | string>>;
  /** Others that may lie beside them. */
  readonly more?: Readonly<Record<string, string>>;
  /** What reads them. It is given a store of its own. */
  readonly read: (store: Store) => Promise<string>;
}

/** Runs readers on a store in which the file that an input names in its first line holds the rest of the input. */
export function damagedRecords({ files, more = {}, read }: Records, accepts?: OpenTarget['accepts']): OpenTarget {
  const paths = Object.keys(files);
  const sound = Object.entries(files).map(
    ([path, content]) => [path, typeof content === 'string' ? bytesOfText(content) : content] as const,
  );
  return {
    seeds: [...sound, ...Object.entries(more)].map(([path, content]) => headed(path, content)),
    run: (input) => {
      const end = input.indexOf(10);
      const named = Buffer.from(input.subarray(0, Math.max(0, end))).toString('latin1');
      // A file of another name lies beside the others, where a store can have such a name.
      const isName = /^[\w.-]+(\/[\w.-]+)*$/.test(named) && !named.includes('..');
      const { head, body } = isName ? { head: named, body: input.subarray(end + 1) } : beheaded(input, paths);
      return read(memoryStore([...sound.filter(([path]) => path !== head), [head, body]]));
    },
    ...(accepts ? { accepts } : {}),
  };
}

export const jsonBehindHead = behindHead(
  (path): Form => (path.endsWith('.jsonl') ? 'json-lines' : path.endsWith('.json') ? 'json' : 'bytes'),
);

const run = 'r-1';
const step = 'pretrain';
const key = { run, step };
const at = '2026-11-01T03:00:00.000Z';
const digest = 'a'.repeat(64);

/** Tells what was read without an error, and what with which. */
async function together(reads: Readonly<Record<string, () => Promise<unknown>>>): Promise<string> {
  const told: string[] = [];
  for (const [name, read] of Object.entries(reads)) {
    const value = await read();
    told.push(`${name} ${Array.isArray(value) ? value.length : value === null ? 'none' : typeof value}`);
  }
  return told.join(', ');
}

/** The leases of a training: who may write its checkpoints. */
export const leases: Target = {
  name: 'leases',
  reads: 'leases of trainings, and their names',
  form: 'json',
  region: jsonBehindHead,
  tokens: [
    'runs/r-1/steps/pretrain/leases/',
    '00000001.json',
    '99999999999999999999.json',
    '9007199254740991.json',
    '999999999999999.json',
    '000000000000007.json',
    '.json',
  ],
  mostBytes: 16 * 2 ** 10,
  open: async () => {
    const { acquireLease, assertCurrent, listLeases } = await import('../../../store/index.ts');
    const folder = `runs/${run}/steps/${step}/leases`;
    const lease = (owner: string) => JSON.stringify({ owner, takenAt: at });
    return damagedRecords({
      files: {
        [`${folder}/00000001.json`]: lease('pid 1 on a'),
        [`${folder}/00000002.json`]: lease('pid 2 on b'),
      },
      // No writer would get so far; a file that somebody else put there may be called so.
      more: { [`${folder}/99999999999999999999.json`]: lease('pid 3 on c') },
      read: async (store) => {
        let damaged = 0;
        const known = await listLeases(store, key, () => damaged++);
        const isCurrent = (lease: Parameters<typeof assertCurrent>[0]) =>
          assertCurrent(lease).then(
            () => true,
            () => false,
          );
        const mine = await acquireLease(store, key, 'me');
        if (!(await isCurrent(mine))) throw new Violation('a lease that was taken just now is lost');
        const next = await acquireLease(store, key, 'another');
        if (!(await isCurrent(next)) || next.token <= mine.token) throw new Violation('a later lease is none');
        if (await isCurrent(mine)) throw new Violation('a lease that was taken over is current');
        return `${known.length} leases, ${damaged} damaged`;
      },
    });
  },
};

/** What a name stood for, one version after the other. */
export const modelLog: Target = {
  name: 'model-log',
  reads: 'versions of models, and refusals',
  form: 'json',
  region: jsonBehindHead,
  tokens: [
    'models/m/versions/',
    '000001.json',
    '9007199254740991.json',
    '"version":',
    '"restores":',
    'top1',
    'encoder',
  ],
  mostBytes: 16 * 2 ** 10,
  open: async () => {
    const { addVersion, loadCurrent, loadRefusals, loadVersions, markOfVersions } = await import(
      '../../../store/index.ts'
    );
    const ref = (kind: string) => ({ kind, digest });
    const version = (number: number, more: object = {}) =>
      JSON.stringify({
        format: 'contrail-model/1',
        model: 'm',
        version: number,
        run,
        step,
        encoder: ref('encoder'),
        classifier: ref('classifier'),
        evaluation: ref('evaluation'),
        metrics: { top1: 0.9, knn: null },
        testSet: digest,
        reason: 'better',
        promotedAt: at,
        ...more,
      });
    const refusal = {
      format: 'contrail-refusal/1',
      model: 'm',
      run,
      step,
      version: 1,
      reason: 'worse',
      before: 0.9,
      after: 0.8,
      at,
    };
    return damagedRecords({
      files: {
        'models/m/versions/000001.json': version(1),
        'models/m/versions/000002.json': version(2, {
          index: ref('index'),
          indexedBy: { run, step: null },
          restores: 1,
        }),
        'models/m/current.json': version(2),
        'models/m/refused/r-1/by-hand.json': JSON.stringify(refusal),
      },
      read: async (store) => {
        const versions = await loadVersions(store, 'm');
        const current = await loadCurrent(store, 'm');
        const refusals = await loadRefusals(store, 'm');
        const mark = await markOfVersions(store, 'm');
        if (current === null) return 'no version';
        const { format: _, promotedAt: __, ...said } = current;
        const next = await addVersion(store, { ...said, version: current.version + 1 });
        return `${versions.length} versions, ${refusals.length} refusals, ${mark.length > 0}, added ${next !== null}`;
      },
    });
  },
};

/** Everything else that the store keeps in JSON. */
export const records: Target = {
  name: 'records',
  reads: 'plans, results, cache entries, run and schedule records, logs and metrics of a store',
  form: 'json',
  region: jsonBehindHead,
  tokens: ['"format":', '"fingerprint":', '"result":', '"dataset"', '"digest":', '"steps":', digest, at],
  open: async () => {
    const store = await import('../../../store/index.ts');
    const { parsePipeline } = await import('../../../pipelines/language/index.ts');
    const text =
      'name: p\nsteps:\n  data: { uses: prepare-data, with: { dataset: generated } }\n  probe: { uses: pretrain, needs: [data], matrix: { seed: [0, 1] }, with: { encoder: small-resnet, seed: "${matrix.seed}" } }\n';
    const plan = parsePipeline({ text, file: 'p.yaml' });
    const fingerprint = JSON.stringify({ uses: 'prepare-data', version: 1 });
    const result = { dataset: { kind: 'dataset', digest }, counts: { train: 10, validation: 0, test: 3 } };
    const stored = { fingerprint, result, seconds: 3.5, finishedAt: at };
    const metrics = { epoch: 1, loss: 4.2, learningRate: 0.1, imagesPerSecond: 100, seconds: 3 };
    const log = { time: at, level: 'info', run, step, source: 'worker', message: 'a line' };
    const schedule = {
      format: 'contrail-schedule/1',
      schedule: 's',
      plan,
      source: { file: 'p.yaml', text },
      config: { cron: '0 3 * * 1' },
    };
    const { scheduleDefinitionSchema } = await import('../../../contracts/schedules.ts');
    const scheduled = Buffer.from(store.jsonBytes(scheduleDefinitionSchema.parse(schedule)));
    const scheduleDigest = store.digestOf(scheduled).sha256;
    const uses = { datasets: [digest], emptied: [], trained: [], models: [], runs: [], unknown: [] };
    const place = `runs/${run}/steps/${step}`;
    const cached = store.cacheKey(fingerprint);
    return damagedRecords({
      files: {
        [`runs/${run}/plan.json`]: store.jsonBytes(plan),
        [`runs/${run}/run.json`]: JSON.stringify({
          run,
          pipeline: 'p',
          params: { a: 1 },
          createdAt: at,
          source: { file: 'p.yaml', text },
        }),
        [`${place}/result.json`]: JSON.stringify(stored),
        [`${place}/metrics.jsonl`]: `${JSON.stringify(metrics)}\n${JSON.stringify({ ...metrics, epoch: 2 })}\n`,
        [`${place}/decisions.json`]: JSON.stringify([
          { approved: true, by: 'me', reason: null, user: null, host: null, at },
        ]),
        [`${place}/changes.json`]: '[]',
        [`${place}/state.json`]: JSON.stringify({ fingerprint, state: { a: 1 } }),
        [`runs/${run}/logs/w-1/000001.jsonl`]: `${JSON.stringify(log)}\n`,
        [`runs/${run}/report/data-rejected.json`]: JSON.stringify({ format: 'contrail-rejected/1', pictures: [] }),
        [`runs/${run}/sweeps/s/000001.json`]: JSON.stringify({ trial: 0, rung: 0 }),
        [`cache/${cached}.json`]: JSON.stringify({ fingerprint, result, run, step, createdAt: at }),
        [`schedules/s/definitions/${scheduleDigest}.json`]: scheduled,
        'schedules/s/last-completed.json': JSON.stringify({ run, plan: digest, data: { data: digest } }),
        [`forgotten/${digest}.json`]: JSON.stringify({
          format: 'contrail-forgotten/1',
          image: 'a.png',
          sources: [digest],
          at,
          by: 'me',
          uses,
        }),
        'store.json': JSON.stringify({ id: '0b0e7f0e-8b0a-4c53-9d3c-0a6d7b6f3c11' }),
      },
      read: (from) =>
        together({
          plan: () => store.loadPlan(from, run),
          record: () => store.loadRunRecord(from, run),
          results: () => store.loadStepResults(from, run),
          metrics: () => store.loadEpochMetrics(from, key),
          saved: () => store.saveEpochMetrics(from, key, { ...metrics, epoch: 3 }),
          decisions: () => store.loadDecisions(from, key),
          changes: () => store.loadChanges(from, key),
          state: () => store.loadOwnState(from, key, fingerprint),
          log: async () => (await store.readRunLog(from, run)).lines,
          place: () => store.takePlace(from, run, 's', { trial: 1, rung: 0 }),
          cache: () => store.loadCacheEntry(from, fingerprint),
          entries: () => store.listCache(from),
          pictures: () => store.loadRejectedPictures(from, `runs/${run}/report/data-files.tsv`),
          definition: () => store.loadScheduleDefinition(from, 's', scheduleDigest),
          last: () => store.loadLastCompleted(from, 's'),
          forgotten: () => store.loadForgotten(from),
          identity: () => store.identityOf(from),
        }),
    });
  },
};

/** A checkpoint: its manifest, and the state of a training. */
export const checkpoints: Target = {
  name: 'checkpoints',
  reads: 'manifests and states of checkpoints',
  form: 'json',
  region: jsonBehindHead,
  tokens: ['"digest":', '"configHash":', '"token":', '"epoch":', '"best":', 'epoch-000001-t1', '__metadata__', '"F32"'],
  open: async () => {
    const { acquireLease, digestOf, openCheckpoints } = await import('../../../store/index.ts');
    const made = memoryStore();
    const lease = await acquireLease(made, key, 'me');
    const state = (epoch: number) => ({
      ...{ epoch, step: 0, config: { batch: 8, loss: { supcon: { temperature: 0.1 } } }, metadata: { lossSum: '1.5' } },
      ...{ metrics: { loss: 1, learningRate: 0.1, imagesPerSecond: 10, seconds: 1 }, best: { epoch: 1, loss: 1 } },
      tensors: [{ name: 'w', dtype: 'F32' as const, shape: [2, 2], data: new Uint8Array(16).fill(epoch) }],
    });
    for (const epoch of [1, 2]) await openCheckpoints(made, key).commit(lease, state(epoch));
    const files: Record<string, Uint8Array> = {};
    for (const { path } of await made.everything())
      if (path.includes('/checkpoints/')) files[path] = await made.read(path);
    const open = damagedRecords({
      files,
      read: async (store) => {
        const found = openCheckpoints(store, key);
        const { newest, rejected } = await found.newestValid();
        const listed = await found.list();
        await found.retain({ last: 2, best: 1 });
        return `newest ${newest?.name}, ${listed.length} listed, ${rejected.map(({ reason }) => reason).join('; ')}`;
      },
    });
    return {
      ...open,
      // The state of another digest is refused; what lies behind that is reached where the manifest says the new one.
      run: async (input) => {
        const { head, body } = beheaded(input, Object.keys(files));
        const outcome = await open.run(input);
        if (!head.endsWith('.safetensors')) return outcome;
        const path = head.replace('state.safetensors', 'manifest.json');
        const manifest = JSON.parse(Buffer.from(files[path] as Uint8Array).toString('utf8')) as Record<string, unknown>;
        const { sha256, bytes } = digestOf(body);
        const store = memoryStore([
          ...Object.entries(files),
          [head, body],
          [
            path,
            bytesOfText(
              JSON.stringify({ ...manifest, digest: sha256, state: { path: 'state.safetensors', bytes, sha256 } }),
            ),
          ],
        ]);
        const { newest, rejected } = await openCheckpoints(store, key).newestValid();
        return `${outcome} / ${newest?.name} ${rejected.map(({ reason }) => reason).join('; ')}`;
      },
    };
  },
};
