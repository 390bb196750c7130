import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { runParameters } from '../../contracts/kinds/run.ts';
import type { TrainerProgress } from '../../contracts/trainer.ts';
import { codeOf, type ProgramRun, readSources, runProgram, storeCode } from '../../own-steps/index.ts';
import { unpack } from '../../own-steps/unpack.ts';
import { openStore, type Store, writeArtifact } from '../../store/index.ts';
import { writeFiles } from './folder.ts';
import { failure, isRunning, until } from './outcome.ts';

let folder: string;
let home: string;
let store: Store;
const lines: string[] = [];
const progress: TrainerProgress[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-programs-'));
});
beforeEach(async () => {
  home = await mkdtemp(join(folder, 'home-'));
  store = openStore(join(home, 'store'));
  lines.length = 0;
  progress.length = 0;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Files beside a pipeline, stored as a run has them. */
async function stored(files: Readonly<Record<string, string>>) {
  const beside = await mkdtemp(join(folder, 'beside-'));
  await writeFiles(beside, files);
  const found = readSources(beside, { command: [], sources: Object.keys(files) });
  if (!('files' in found)) throw new Error(found.problem);
  const code = codeOf(found.files);
  await storeCode(store, code);
  return code.ref;
}

interface Given {
  readonly with: Readonly<Record<string, unknown>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly more?: Partial<ProgramRun>;
}

async function runIt({ with: given, files, more = {} }: Given) {
  return runProgram({
    key: { run: 'r', step: 'clean' },
    attempt: 1,
    parameters: runParameters.parse(given),
    code: files ? await stored(files) : undefined,
    store,
    cacheFolder: join(home, 'cache'),
    signal: new AbortController().signal,
    onLine: (line) => void lines.push(line),
    onProgress: (each) => void progress.push(each),
    ...more,
  });
}

/** A program in Python, in one file. */
const python = (text: string, given: Readonly<Record<string, unknown>> = {}, more: Partial<ProgramRun> = {}) =>
  runIt({ with: { command: ['python3', 'main.py'], ...given }, files: { 'main.py': text }, more });

/** Every file below a folder. */
const filesBelow = async (root: string) =>
  (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const write = 'import json, os, sys\n';
const tell = (value: string) => `${write}json.dump(${value}, open(os.environ["CONTRAIL_RESULT"], "w"))\n`;

describe('a program', () => {
  it('gives its result as JSON, and its folders and files as artifacts', async () => {
    const result = await python(
      `${tell('{"rows": 3, "note": "fine"}')}
os.makedirs(sys.argv[1] + "/deep/er")
open(sys.argv[1] + "/deep/er/\\u00e4 name.txt", "w").write("inside")
open(os.environ["CONTRAIL_OUTPUT_TABLE"], "w").write("a,b")
print("it says", os.environ["CONTRAIL_STEP"])
print("and complains", file=sys.stderr)
`,
      {
        command: ['python3', 'main.py', '${outputs.cleaned}'],
        outputs: { cleaned: { folder: 'out' }, table: { file: 'tables/t.csv' } },
        result: { rows: 'number', note: 'text' },
      },
    );
    expect(result).toMatchObject({ rows: 3, note: 'fine', cleaned: { kind: 'files' }, table: { kind: 'files' } });
    expect(lines.toSorted()).toEqual(['and complains', 'it says clean']);
    const signal = new AbortController().signal;
    const cleaned = await unpack(store, result.cleaned as ArtifactRef, join(home, 'a'), { signal });
    expect(await readFile(join(cleaned, 'deep/er/ä name.txt'), 'utf8')).toBe('inside');
    const table = await unpack(store, result.table as ArtifactRef, join(home, 'b'), { signal });
    expect(await readFile(table, 'utf8')).toBe('a,b');
    expect(await readdir(join(home, 'cache/own-steps'))).toEqual([]);
  });

  it('reads what other steps made, from copies that are not the originals', async () => {
    const made = await python(`import os\nos.makedirs("out")\nopen("out/x", "w").write("one")`, {
      outputs: { made: { folder: 'out' } },
    });
    const set = await writeArtifact(store, {
      kind: 'dataset',
      about: { name: 'small' },
      files: [{ path: 'train-0.safetensors', content: new TextEncoder().encode('bytes') }],
    });
    const result = await python(
      `${write}
folder, data = sys.argv[1:]
same = os.environ["CONTRAIL_INPUT_MADE"] == folder
path = folder + "/x"
try:
    open(path, "w").write("spoilt")
    written = True
except PermissionError:
    written = False
about = json.load(open(data + "/manifest.json"))["about"]
text = open(data + "/train-0.safetensors").read()
json.dump({"same": same, "text": open(path).read(), "name": about["name"], "data": text}, open(os.environ["CONTRAIL_RESULT"], "w"))
`,
      { command: ['python3', 'main.py', '${inputs.made}', '${inputs.data}'], inputs: { made: made.made, data: set } },
    );
    expect(result).toMatchObject({ same: true, name: 'small', data: 'bytes' });
    // Whoever is root writes to what cannot be written to: it is a copy all the same.
    const again = await unpack(store, made.made as ArtifactRef, join(home, 'c'), {
      signal: new AbortController().signal,
    });
    expect(await readFile(join(again, 'x'), 'utf8')).toBe('one');
  });

  it('runs beside its sources, with those of their permissions that matter', async () => {
    const result = await runIt({
      with: { command: ['./bin/go.sh'], outputs: { made: { file: 'made.txt' } } },
      files: { 'bin/go.sh': '#!/bin/sh\ncat lib/part.txt > made.txt\n', 'lib/part.txt': 'part' },
    });
    expect(result.made).toMatchObject({ kind: 'files' });
  });

  it('tells how far it is, in words or as JSON', async () => {
    await python(`${write}import time
out = open(os.environ["CONTRAIL_PROGRESS"], "a", buffering=1)
out.write("0.25 reading\\n")
time.sleep(1.2)
out.write('nonsense\\n{"fraction": 0.5, "text": "writing"}\\n')
time.sleep(1.2)
`);
    expect(progress).toEqual([
      { phase: 'reading', done: 25, total: 100, unit: '%' },
      { phase: 'writing', done: 50, total: 100, unit: '%' },
    ]);
  });

  it('gets the variables that are meant for it, and no others', async () => {
    const environment = { ...process.env, AWS_SECRET_ACCESS_KEY: 'not for it', TOKEN: 'passed-on-secret' };
    const result = await python(
      tell('{"names": sorted(os.environ), "rows": os.environ["ROWS"], "tmp": os.environ["TMPDIR"]}'),
      { env: { ROWS: 7 }, passEnv: ['TOKEN'] },
      { environment },
    );
    expect(result.names).toEqual(expect.arrayContaining(['ROWS', 'TOKEN', 'PATH', 'CONTRAIL_RUN', 'CONTRAIL_RESULT']));
    expect(result.names).not.toContain('AWS_SECRET_ACCESS_KEY');
    expect(result.rows).toBe('7');
    expect(result.tmp).toContain('own-steps');
  });

  it('is a text for a shell only where that is asked for', async () => {
    const plain = { command: ['echo', '$HOME; echo more'] };
    await runIt({ with: plain });
    expect(lines).toEqual(['$HOME; echo more']);
    lines.length = 0;
    await runIt({ with: { command: ['echo "$A" | tr a-z A-Z'], shell: true, env: { A: 'x; y' } } });
    expect(lines).toEqual(['X; Y']);
  });

  it('is heard within bounds', async () => {
    await python('for i in range(20000): print(i)\nprint("x" * 10_000_000)');
    expect(lines).toHaveLength(5001);
    expect(lines.at(-1)).toMatch(/more is not kept/);
    lines.length = 0;
    await python('print("x" * 10_000_000)');
    expect(lines[0]).toHaveLength(2000);
  });
});

it('a program gives large numbers that are exact, and any as text', async () => {
  const given =
    '{"a": 9007199254740991, "b": "12345678901234567890", "c": 1.2345678901234567e20, "d": 0.12345678901234568}';
  expect(await python(tell(given))).toEqual(JSON.parse(given));
});

it('a program reads a list or mapping that a step gave as JSON', async () => {
  const result = await python(tell('{"all": json.loads(sys.argv[1]), "one": json.loads(os.environ["ONE"])}'), {
    command: ['python3', 'main.py', [1, 'a b', null]],
    env: { ONE: { a: ['$(id)'] } },
  });
  expect(result).toEqual({ all: [1, 'a b', null], one: { a: ['$(id)'] } });
});

describe('an output that is very large', () => {
  const sparse = (bytes: string) =>
    `${write}os.makedirs("out")\nos.truncate(os.open("out/big", os.O_CREAT | os.O_RDWR), ${bytes})\n`;
  const outputs = { made: { folder: 'out' } };

  it('is refused with the limit', async () => {
    expect(await failure(python(sparse('1 << 41'), { outputs }))).toEqual({
      code: 'InvalidResult',
      message: 'The output made has more than 64 GiB, which is the limit.',
    });
  });

  it('is no longer copied once its step is cancelled', async () => {
    const controller = new AbortController();
    const copying = python(
      `${sparse('1 << 35')}print("written")`,
      { outputs },
      {
        signal: controller.signal,
        onLine: () => setTimeout(() => controller.abort(), 300),
      },
    );
    await expect(copying).rejects.toThrow(/abort/i);
    expect(await filesBelow(join(home, 'store', 'staging')).catch(() => [])).toEqual([]);
  });
});

it('folders in folders without end are removed when the program has ended', async () => {
  const text = `${write}for _ in range(600):\n    os.mkdir("a" * 20)\n    os.chdir("a" * 20)\n`;
  await python(text);
  expect(await readdir(join(home, 'cache', 'own-steps'))).toEqual([]);
});

describe('a program that fails', () => {
  it('is tried again after an exit code, unless that is in noRetry', async () => {
    const exits = (code: number, noRetry: number[] = []) =>
      failure(python(`import sys\nprint("no such column", file=sys.stderr)\nsys.exit(${code})`, { noRetry }));
    expect(await exits(3)).toEqual({
      code: 'ProgramFailed',
      message: 'python3 ended with exit code 3. It last printed: no such column',
    });
    const lines = 'for line in ["one", "two", "three"]: print(line)\nraise SystemExit(1)';
    expect((await failure(python(lines))).message).toBe(
      'python3 ended with exit code 1. It last printed: three\nBefore that:\none\ntwo',
    );
    expect((await exits(3, [2, 3])).code).toBe('ProgramRefused');
    expect((await exits(4, [2, 3])).code).toBe('ProgramFailed');
  });

  it('is said to have been killed by a signal', async () => {
    expect(await failure(python('import os\nos.kill(os.getpid(), 9)'))).toMatchObject({
      code: 'ProgramFailed',
      message: expect.stringContaining('was killed by SIGKILL, as a rule for want of memory'),
    });
    expect((await failure(runIt({ with: { command: ['exit 137'], shell: true } }))).message).toContain(
      'exit code 137, which stands for SIGKILL',
    );
  });

  it('is named where there is none', async () => {
    expect(await failure(runIt({ with: { command: ['no-such-program', 'x'] } }))).toMatchObject({
      code: 'FileMissing',
      message: expect.stringContaining('There is no program no-such-program on this worker'),
    });
  });

  it.each([
    ['no JSON', 'open(os.environ["CONTRAIL_RESULT"], "w").write("{oops")', 'is not JSON'],
    [
      'a number that JSON does not have',
      'json.dump({"loss": float("nan")}, open(os.environ["CONTRAIL_RESULT"], "w"))',
      'is not JSON',
    ],
    [
      'a number without end',
      'open(os.environ["CONTRAIL_RESULT"], "w").write(\'{"a": 1e999}\')',
      'must be a JSON object',
    ],
    ['a list', 'json.dump([1], open(os.environ["CONTRAIL_RESULT"], "w"))', 'must be a JSON object'],
    ['too much', 'json.dump({"a": "x" * 600_000}, open(os.environ["CONTRAIL_RESULT"], "w"))', 'at most 512 KiB'],
    [
      'what is nested without end',
      'open(os.environ["CONTRAIL_RESULT"], "w").write(\'{"a":\' + "[" * 200_000 + "]" * 200_000 + "}")',
      /nested too deep/,
    ],
    ['a link', 'os.symlink("/etc/passwd", os.environ["CONTRAIL_RESULT"])', 'must be a file, not a link'],
    ['a pipe', 'os.mkfifo(os.environ["CONTRAIL_RESULT"])', 'must be a file'],
    [
      'a number that would be rounded',
      tell('{"n": [9007199254740993]}'),
      /the number 9007199254740993, which would be rounded/,
    ],
  ])('is not tried again for a result that is %s', async (_, text, message) => {
    const found = await failure(python(`${write}${text}`));
    expect(found).toMatchObject({ code: 'InvalidResult', message: expect.stringMatching(message) });
  });

  it('is not tried again for a result that is not as declared', async () => {
    const found = await failure(python(tell('{"rows": "three", "more": 1}'), { result: { rows: 'number' } }));
    expect(found.code).toBe('InvalidResult');
    expect(found.message).toMatch(/rows/);
    expect(found.message).toMatch(/more/);
    const twice = await failure(python(`${tell('{"made": 1}')}open("m", "w")`, { outputs: { made: { file: 'm' } } }));
    expect(twice).toMatchObject({ code: 'InvalidResult', message: expect.stringContaining('made') });
  });

  it.each([
    ['is missing', 'pass', 'is missing: the program wrote no folder out'],
    ['is a file', 'open("out", "w")', 'must be a folder'],
    ['is a link to another folder', 'os.symlink("/etc", "out")', 'behind, a link'],
    ['holds a link', 'os.mkdir("out"); os.symlink("/etc/passwd", "out/x")', 'holds x, which is a link'],
    [
      'holds a name that is no UTF-8',
      'os.mkdir("out"); open(b"out/\\xff", "w")',
      'whose name is not valid UTF-8: rename it',
    ],
    ['holds a pipe', 'os.mkdir("out"); os.mkfifo("out/x")', 'holds x, which is no file'],
  ])('is not tried again for an output that %s', async (_, text, message) => {
    const found = await failure(python(`${write}${text}`, { outputs: { made: { folder: 'out' } } }));
    expect(found).toMatchObject({ code: 'InvalidResult', message: expect.stringContaining(message) });
  });

  it('cannot reach out of its folder by a link above an output', async () => {
    const found = await failure(
      python(`${write}os.rmdir("deep/etc"); os.symlink("/etc", "deep/etc")`, {
        outputs: { made: { file: 'deep/etc/passwd' } },
      }),
    );
    expect(found).toMatchObject({ code: 'InvalidResult', message: expect.stringContaining('behind, a link') });
  });

  it('is told which variable the worker lacks', async () => {
    expect(
      await failure(runIt({ with: { command: ['true'], passEnv: ['NOT_THERE'] }, more: { environment: {} } })),
    ).toEqual({
      code: 'InvalidInput',
      message: 'This worker has no environment variable NOT_THERE, which passEnv names.',
    });
  });
});

describe('a secret', () => {
  const secret = 'correct-horse-battery';
  const environment = { ...process.env, TOKEN: secret, KEY: `first line of it\nsecond line of it` };

  it('is in no file of the home, no line and no message', async () => {
    const text = `${write}
for name in ("TOKEN", "KEY"): print("it is", os.environ[name])
print(os.environ["TOKEN"] * 20000)
open(os.environ["CONTRAIL_PROGRESS"], "w").write("0.5 " + os.environ["TOKEN"] + "\\n")
import time
time.sleep(1)
sys.exit(os.environ["TOKEN"])`;
    const found = await failure(python(text, { passEnv: ['TOKEN', 'KEY'] }, { environment }));
    const told = JSON.stringify({ found, lines, progress });
    expect(told).toContain('it is ***');
    expect(told).not.toContain('line of it');
    expect(told).not.toContain(secret.slice(0, 12));
    for (const file of await filesBelow(home)) expect(readFileSync(file, 'utf8')).not.toContain(secret);
  });

  it('is refused in a result, which goes into the history of the run', async () => {
    const found = await failure(python(tell('{"t": os.environ["TOKEN"]}'), { passEnv: ['TOKEN'] }, { environment }));
    expect(found).toMatchObject({ code: 'InvalidResult', message: expect.stringContaining('passEnv') });
    expect(found.message).not.toContain(secret);
  });
});

describe('a program that is cancelled', () => {
  /** It has a child, which has the mark in its arguments. */
  const endless = (mark: string, ignoring: boolean) => `
import signal, subprocess, sys, time
${ignoring ? 'signal.signal(signal.SIGTERM, signal.SIG_IGN)' : ''}
subprocess.Popen([sys.executable, "-c", "${ignoring ? 'import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); ' : ''}import time; time.sleep(1000)", "${mark}"])
print("ready", flush=True)
while True: time.sleep(1)`;

  it.each([
    ['ends', false],
    ['is ended where it does not listen', true],
  ])('%s with every process that it started', async (_, ignoring) => {
    const mark = `mark-${process.pid}-${ignoring}`;
    const controller = new AbortController();
    const running = failure(python(endless(mark, ignoring), {}, { signal: controller.signal, graceMs: 1000 }));
    await until(() => lines.includes('ready') && isRunning(mark));
    controller.abort(new DOMException('cancelled', 'AbortError'));
    expect(await running).toMatchObject({ message: 'cancelled' });
    await until(() => !isRunning(mark));
    expect(await readdir(join(home, 'cache/own-steps'))).toEqual([]);
  });

  it('leaves nothing running that it had started in the background', async () => {
    const mark = `mark-${process.pid}-behind`;
    await python(
      `import subprocess, sys\nsubprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)", "${mark}"])`,
    );
    await until(() => !isRunning(mark));
  });

  it('ends when its worker is killed', async () => {
    const mark = `mark-${process.pid}-worker`;
    const worker = new URL('./processes/run-program.ts', import.meta.url);
    const child = spawn(process.execPath, ['--import', 'tsx', worker.pathname, home, mark], { stdio: 'ignore' });
    await until(() => isRunning(`${mark}-child`));
    child.kill('SIGKILL');
    await until(() => !isRunning(mark));
    // What it left is removed by the next.
    await runIt({ with: { command: ['true'] } });
    expect(await readdir(join(home, 'cache/own-steps'))).toEqual([]);
  });
});
