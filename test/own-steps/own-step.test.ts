import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPipelineFile, planSource } from '../../cli/pipeline-file.ts';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { kindFromOwn } from '../../contracts/own-kind.ts';
import { sourceSchema } from '../../contracts/schedules.ts';
import { describeOwnStep, type OwnStepWork, runOwnStep, storeCode } from '../../own-steps/index.ts';
import { unpack } from '../../own-steps/unpack.ts';
import { openStore, type Store } from '../../store/index.ts';
import { writeFiles } from './folder.ts';
import { failure, isRunning, until } from './outcome.ts';

let folder: string;
let home: string;
let store: Store;
const lines: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-own-'));
});
beforeEach(async () => {
  home = await mkdtemp(join(folder, 'home-'));
  store = openStore(join(home, 'store'));
  lines.length = 0;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const beside = async (files: Readonly<Record<string, string>>) => {
  const root = await mkdtemp(join(folder, 'root-'));
  await writeFiles(root, files);
  return root;
};

/** A step whose `run` is this. */
const stepFile = (run: string, more = '', before = '') =>
  `import { defineStep, PermanentError, z } from 'contrail/define';\n${before}\nexport default defineStep({ ${more}${more ? ',' : ''} run: ${run} });\n`;

const described = async (text: string, others: Readonly<Record<string, string>> = {}) =>
  describeOwnStep(await beside({ 'step.ts': text, ...others }), './step.ts');

async function runIt(text: string, more: Partial<OwnStepWork> = {}, others: Readonly<Record<string, string>> = {}) {
  const found = await described(text, others);
  if ('problem' in found) throw new Error(found.problem);
  await storeCode(store, found.code);
  return runOwnStep({
    key: { run: 'r', step: 's' },
    attempt: 1,
    kind: found.kind,
    parameters: {},
    inputs: {},
    code: found.code.ref,
    fingerprint: 'f',
    store,
    cacheFolder: join(home, 'cache'),
    signal: new AbortController().signal,
    onLine: (line) => void lines.push(line),
    onProgress: () => {},
    ...more,
  });
}

describe('a step in TypeScript', () => {
  it('gives what it declares, with its inputs, helpers and parameters', async () => {
    const result = await runIt(
      stepFile(
        `async ({ parameters, outputs, log, progress, run, step, attempt }) => {
          await writeFile(join(outputs.made, 'x.txt'), 'made');
          log('a line'); console.log('printed'); progress(0.5, 'half');
          return { total: double(parameters.n), who: [run, step, attempt].join('/') };
        }`,
        "with: z.object({ n: z.number().default(21) }), outputs: { made: 'files' }, result: z.object({ total: z.number(), who: z.string() })",
        "import { writeFile } from 'node:fs/promises';\nimport { join } from 'node:path';\nimport { double } from './lib/double';",
      ),
      {},
      { 'lib/double.ts': 'export const double = (n: number): number => 2 * n;' },
    );
    expect(result).toMatchObject({ total: 42, who: 'r/s/1', made: { kind: 'files' } });
    expect(lines).toEqual(['a line', 'printed']);
    const made = await unpack(store, result.made as ArtifactRef, join(home, 'm'), {
      signal: new AbortController().signal,
    });
    expect(await readFile(join(made, 'x.txt'), 'utf8')).toBe('made');
    expect(await readdir(join(home, 'cache/own-steps'))).toEqual([]);
  });

  it('goes on from the state that it kept', async () => {
    const text = stepFile(
      `async ({ checkpoint, restore }) => {
        const before = restore() ?? { done: 0 };
        await checkpoint({ done: before.done + 1 });
        if (before.done < 2) throw new Error('not yet');
        return { done: restore().done };
      }`,
      'result: z.object({ done: z.number() })',
    );
    for (let attempt = 1; attempt < 3; attempt++)
      expect(await failure(runIt(text, { attempt }))).toMatchObject({ code: 'ProgramFailed' });
    expect(await runIt(text, { attempt: 3 })).toEqual({ done: 3 });
    // Of other code or inputs, a state says nothing.
    expect((await failure(runIt(text, { fingerprint: 'other' }))).code).toBe('ProgramFailed');
  });

  it.each([
    [
      'throws',
      `() => { throw new Error('no such class'); }`,
      '',
      'ProgramFailed',
      /^\.\/step\.ts failed: step\.ts:3:\d+: no such class$/,
    ],
    ['throws what is permanent', `() => { throw new PermanentError('never'); }`, '', 'ProgramRefused', /never$/],
    [
      'gives another result',
      `() => ({ rows: 'x' })`,
      'result: z.object({ rows: z.number() })',
      'InvalidResult',
      /rows/,
    ],
    [
      'gives too much',
      `() => ({ text: 'x'.repeat(600_000) })`,
      'result: z.object({ text: z.string() })',
      'InvalidResult',
      /at most 512 KiB/,
    ],
    [
      'gives what is no JSON',
      `() => ({ big: 1n })`,
      'result: z.object({ big: z.any() })',
      'InvalidResult',
      /cannot be JSON/,
    ],
    ['ends its process', `() => process.exit(7)`, '', 'ProgramFailed', /exit code 7/],
    ['is killed', `() => process.kill(process.pid, 'SIGKILL')`, '', 'ProgramFailed', /killed by SIGKILL/],
    [
      'leads out of its outputs',
      `({ outputs }) => symlinkSync('/etc/passwd', outputs.made + '/x')`,
      "outputs: { made: 'files' }",
      'InvalidResult',
      /link/,
    ],
  ])('that %s says so', async (_, run, more, code, message) => {
    const found = await failure(runIt(stepFile(run, more, "import { symlinkSync } from 'node:fs';")));
    expect(found).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('is checked once more with its own words for its parameters', async () => {
    const text = stepFile('() => ({})', 'with: z.object({ a: z.string().refine((a) => a !== "bad", "is bad") })');
    expect(await failure(runIt(text, { parameters: { a: 'bad' } }))).toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('is bad'),
    });
  });

  it('hides the secrets that it is given', async () => {
    const environment = { ...process.env, TOKEN: 'correct-horse' };
    const text = stepFile(
      `() => { console.log(process.env.TOKEN); throw new Error(process.env.TOKEN); }`,
      "passEnv: ['TOKEN']",
    );
    const found = await failure(runIt(text, { environment }));
    expect(JSON.stringify({ found, lines })).not.toContain('correct-horse');
    expect(found.message).toContain('***');
    const given = await failure(
      runIt(stepFile(`() => ({ t: process.env.TOKEN })`, "passEnv: ['TOKEN'], result: z.object({ t: z.string() })"), {
        environment,
      }),
    );
    expect(given).toMatchObject({ code: 'InvalidResult', message: expect.stringContaining('passEnv') });
  });

  it.each([
    [
      'listens',
      `({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))`,
    ],
    ['goes round for ever', `() => { for (;;); }`],
  ])('that %s ends when it is cancelled', async (_, run) => {
    const mark = `mark-${process.pid}-${Math.random()}`;
    const controller = new AbortController();
    const text = stepFile(
      run,
      '',
      `import { spawn } from 'node:child_process';\nif (process.env.GO) { spawn('sleep', ['1000', '${mark}']); console.log('ready'); }`,
    )
      .replace('sleep', 'sleep')
      .replace(`['1000', '${mark}']`, `['1000'], { argv0: '${mark}' }`);
    const environment = { ...process.env, GO: 'yes' };
    const running = failure(
      runIt(text.replace('run:', "passEnv: ['GO'], run:"), { signal: controller.signal, graceMs: 500, environment }),
    );
    await until(() => lines.includes('ready') && isRunning(mark));
    controller.abort(new DOMException('cancelled', 'AbortError'));
    expect(await running).toMatchObject({ message: 'cancelled' });
    await until(() => !isRunning(mark));
  });
});

describe('what a step of your own is', () => {
  it('that is not there is said to be missing', async () => {
    const found = await describeOwnStep(folder, './steps/nowhere.ts');
    expect(found).toEqual({ problem: `there is no such file in ${folder}` });
  });

  it('is learned in a process of its own, with the files that it imports', async () => {
    const found = await described(
      stepFile(
        '() => ({ n: lib.one })',
        'version: 3, with: z.object({ a: z.number() }), inputs: { set: "dataset" }, result: z.object({ n: z.number() }), sources: ["data"]',
        "import * as lib from './lib.js';\n(globalThis as { loadedHere?: boolean }).loadedHere = true;",
      ),
      {
        'lib.ts': "export * from './deeper/lib.ts';",
        'deeper/lib.ts': 'export const one = 1;',
        'unused.ts': '',
        'data/x.csv': '1',
      },
    );
    if ('problem' in found) throw new Error(found.problem);
    expect(found.kind).toMatchObject({ version: 3, inputs: { set: 'dataset' }, parameters: { required: ['a'] } });
    expect(found.code.files.map(({ path }) => path).sort()).toEqual([
      'contrail-packages.json',
      'data/x.csv',
      'deeper/lib.ts',
      'lib.ts',
      'step.ts',
    ]);
    expect('loadedHere' in globalThis).toBe(false);
  });

  it("says of its parameters what is one too many, and nothing of what might be another's", async () => {
    const found = await described(
      stepFile(
        '() => ({})',
        'with: z.object({ a: z.object({}), b: z.looseObject({}), c: z.object({ x: z.int() }).and(z.union([z.object({ y: z.int() }), z.object({ z: z.int() })])) })',
      ),
    );
    if ('problem' in found) throw new Error(found.problem);
    const { parameters } = kindFromOwn(found.kind);
    const given = { a: {}, b: {}, c: { x: 1, y: 1 } };
    expect(parameters.safeParse(given).error).toBeUndefined();
    expect(parameters.safeParse({ ...given, b: { more: 1 } }).success).toBe(true);
    expect(parameters.safeParse({ ...given, a: { more: 1 } }).success).toBe(false);
    expect(parameters.safeParse({ ...given, more: 1 }).success).toBe(false);
  });

  it('follows from every file that it imports, and from the versions of packages', async () => {
    const text = stepFile('() => ({})', '', "import './lib.ts';\nimport 'left';");
    const files = (lib: string, version: string) => ({
      'lib.ts': lib,
      'node_modules/left/package.json': `{"name":"left","version":"${version}","main":"x.js"}`,
      'node_modules/left/x.js': '',
    });
    const digests = await Promise.all(
      [files('1', '1.0.0'), files('1', '1.0.0'), files('2', '1.0.0'), files('1', '1.0.1')].map(async (each) => {
        const found = await described(text, each);
        return 'code' in found ? found.code.ref.digest : found.problem;
      }),
    );
    expect(digests[0]).toBe(digests[1]);
    expect(new Set(digests).size).toBe(3);
  });

  it.each([
    [
      'a package that is not installed',
      "import 'no-such-package';\nexport default 1",
      /imports no-such-package, which is not installed/,
    ],
    ['a file that is not there', "import './nowhere.ts';\nexport default 1", /^step\.ts:1:8: Could not resolve/],
    ['what is no TypeScript', 'export default (', /^step\.ts:1:\d+: /],
    ['another default export', 'export default { run() {} }', /default export must be a step/],
    ['an error while it is loaded', "throw new Error('oh')", /^step\.ts:1:\d+: oh/],
    [
      'a result that is an output',
      stepFile('() => ({})', "outputs: { a: 'files' }, result: z.object({ a: z.string() })"),
      /a is a field of its result and an output/,
    ],
    [
      'an artifact that there is none of',
      stepFile('() => ({})', "inputs: { a: 'picture' as 'files' }"),
      /cannot be read|cannot be used/,
    ],
    ['its process ended', 'process.exit(3)', /ended with exit code 3/],
  ])('is refused with %s', async (_, text, message) => {
    expect(await described(text)).toMatchObject({ problem: expect.stringMatching(message) });
  });

  it('is refused where loading it takes too long', async () => {
    const root = await beside({ 'step.ts': 'for (;;);' });
    expect(await describeOwnStep(root, './step.ts', { limitMs: 2000 })).toMatchObject({
      problem: 'loading it takes longer than 2 s: work belongs into `run`',
    });
  });

  it('is refused where it imports from outside the folder of the pipeline', async () => {
    const root = await beside({ 'lib.ts': '', 'inside/step.ts': "import '../lib.ts'; export default 1;" });
    expect(await describeOwnStep(join(root, 'inside'), './step.ts')).toMatchObject({
      problem: expect.stringContaining('outside the folder of the pipeline'),
    });
  });
});

describe('a pipeline with a step of your own', () => {
  const step = stepFile(
    '() => ({ kept: 1 })',
    "with: z.object({ keep: z.enum(['first', 'last']), limits: z.object({ most: z.int().max(9) }).optional() }), outputs: { unique: 'files' }, result: z.object({ kept: z.number() })",
  );
  const planned = async (steps: string, options = {}) => {
    const root = await beside({ 'p.yaml': `name: p\nsteps:\n${steps}`, 'steps/dedupe.ts': step });
    return openPipelineFile(join(root, 'p.yaml'), options).then((pipeline) => pipeline.plan({}));
  };

  it('holds what the step is as data, and its code by digest', async () => {
    const plan = await planned(`  one: { uses: ./steps/dedupe.ts, with: { keep: first } }
  two: { uses: run, with: { command: [x, "\${steps.one.result.kept}"], inputs: { a: "\${steps.one.result.unique}" } } }
`);
    expect(plan.steps[0]).toMatchObject({
      uses: 'own',
      own: { file: './steps/dedupe.ts', outputs: { unique: 'files' } },
      code: { kind: 'code' },
      queue: 'cpu',
      retry: { maximumAttempts: 3 },
    });
    expect(JSON.stringify(plan)).not.toContain('defineStep');
  });

  it.each([
    ['a wrong parameter', 'with: { keep: middle }', /p\.yaml:3:\d+: .*first/],
    ['a parameter that there is none of', 'with: { keep: first, kep: 1 }', /p\.yaml:3:\d+: .*kep/],
    ['a parameter that is missing', 'with: {}', /p\.yaml:3:\d+: .*keep/],
    [
      'a wrong parameter within another',
      'with: { keep: first, limits: { most: 10 } }',
      /p\.yaml:3:72: most must be at most 9/,
    ],
    [
      'one there that there is none of',
      'with: { keep: first, limits: { most: 1, mots: 1 } }',
      /p\.yaml:3:75: unknown key mots/,
    ],
  ])('is refused at its place with %s', async (_, given, message) => {
    expect((await failure(planned(`  one: { uses: ./steps/dedupe.ts, ${given} }\n`))).message).toMatch(message);
  });

  it('is refused at its place with a result that the step does not give, or a file that is none', async () => {
    const wrong = planned(`  one: { uses: ./steps/dedupe.ts, with: { keep: first } }
  two: { uses: run, with: { command: [x, "\${steps.one.result.kpet}"] } }
`);
    expect((await failure(wrong)).message).toMatch(
      /p\.yaml:4:\d+: \.\/steps\/dedupe\.ts has no result kpet; did you mean kept/,
    );
    expect(
      (
        await failure(
          planned(`  one: { uses: ./steps/dedupe.ts, with: { keep: first } }
  two: { uses: run, when: "steps.one.result.kpet > 1", with: { command: [x] } }
finally:
  three: { uses: run, with: { command: [x, "\${steps.one.result.unqiue}"] } }
`),
        )
      ).message,
    ).toMatch(
      /p\.yaml:4:\d+: .*no result kpet; did you mean kept\?\n.*p\.yaml:6:\d+: .*no result unqiue; did you mean unique/,
    );
    for (const uses of ['../dedupe.ts', '/etc/x.ts', './steps/../../x.ts', 'steps/dedupe.ts'])
      expect((await failure(planned(`  one: { uses: ${uses} }\n`))).message).toMatch(
        /p\.yaml:3:\d+: .*in the folder of the pipeline/,
      );
    expect((await failure(planned('  one: { uses: own }\n'))).message).toMatch(/there is no kind of step "own"/);
    expect((await failure(planned('  one: { uses: ./steps/none.ts }\n'))).message).toMatch(
      /p\.yaml:3:\d+: \.\/steps\/none\.ts: /,
    );
  });

  it('is read without running any of it, where that is asked for', async () => {
    const root = await beside({
      'p.yaml': 'name: p\nsteps:\n  one: { uses: ./evil.ts, with: { any: 1 } }\n',
      'evil.ts': "import { writeFileSync } from 'node:fs';\nwriteFileSync(process.env.HOME + '/evil', '');",
      'p.ts': 'throw new Error();',
    });
    const plan = (await openPipelineFile(join(root, 'p.yaml'), { runCode: false })).plan({});
    expect(plan.steps).toHaveLength(1);
    expect((await failure(openPipelineFile(join(root, 'p.ts'), { runCode: false }))).code).toBe('Usage');
  });

  it('may make anything, where nobody looks into its file', async () => {
    const root = await beside({
      'p.yaml': `name: p
steps:
  one: { uses: ./one.ts }
  found: { uses: pretrain, needs: [one] }
  named: { uses: pretrain, with: { dataset: "\${steps.one.result.images}" } }
`,
    });
    const plan = (await openPipelineFile(join(root, 'p.yaml'), { runCode: false })).plan({});
    expect(plan.steps.map(({ inputs }) => inputs)).toEqual([
      {},
      {},
      { dataset: { step: 'one', field: 'images', kind: 'dataset' } },
    ]);
  });

  it('is planned again with other params from what a run keeps, when its files are gone', async () => {
    const root = await beside({
      'p.yaml': `name: p
params: { rows: 1 }
steps:
  one: { uses: ./steps/dedupe.ts, with: { keep: first } }
  two: { uses: run, with: { command: [sh, ./main.sh, "\${params.rows}"], sources: ["lib/*"] } }
  three: { uses: run, with: { command: ["true", "\${params.rows}"] } }
`,
      'steps/dedupe.ts': step,
      'main.sh': '',
      'lib/a': '',
    });
    const pipeline = await openPipelineFile(join(root, 'p.yaml'));
    const plan = pipeline.plan({});
    const source = sourceSchema.parse(JSON.parse(JSON.stringify(pipeline.source())));
    await rm(root, { recursive: true });
    expect(planSource(source)).toEqual(plan);
    const other = planSource(source, { rows: 2 });
    expect(other.steps.map(({ code }) => code)).toEqual(plan.steps.map(({ code }) => code));
    expect(plan.steps.map(({ code }) => code === undefined)).toEqual([false, false, true]);
  });

  it('ships, and plans', async () => {
    const file = fileURLToPath(new URL('../../pipelines/own-steps.yaml', import.meta.url));
    const plan = (await openPipelineFile(file)).plan({});
    expect(plan.steps.map(({ id }) => id)).toEqual([
      'draw',
      'dedupe',
      'clean',
      'data',
      'pretrain',
      'probe',
      'evaluate',
    ]);
    expect(plan.steps[1]?.inputs).toEqual({ images: { step: 'draw', field: 'drawn', kind: 'files' } });
  });
});
