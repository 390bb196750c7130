import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { float32, openCheckpoints, openStore } from '../../store/index.ts';
import { randomMoment } from '../random.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-killed-'));
afterAll(() => rm(root, { recursive: true, force: true }));
const program = (name: string) => fileURLToPath(new URL(`./processes/${name}`, import.meta.url));

/** Runs the committing process, kills it at a random moment after its first commit, and gives the last epoch it reported. */
async function commitUntilKilled(folder: string, round: number): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', program('commit-forever.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  const started = new Promise<void>((resolve) => {
    child.stdout.on('data', (text) => {
      said += text;
      resolve();
    });
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  await Promise.race([started, ended]);
  await sleep(randomMoment(`kill of writer ${round}`, 0, 150));
  child.kill('SIGKILL');
  await ended;
  return Number(said.trim().split('\n').at(-1));
}

it('a writer killed at any moment leaves a whole newest checkpoint, and nothing half that a reader would take', async () => {
  const folder = join(root, 'killed');
  const checkpoints = openCheckpoints(openStore(folder), { run: 'run', step: 'pretrain' });
  for (let round = 0; round < 10; round++) {
    const reported = await commitUntilKilled(folder, round);
    const { newest, rejected } = await checkpoints.newestValid();
    expect(newest?.manifest.epoch, 'what was reported as committed is there').toBeGreaterThanOrEqual(reported);
    const tensor = newest?.tensors.get('w');
    expect(tensor && float32(tensor).every((value) => value === newest?.manifest.epoch)).toBe(true);
    for (const { name, manifest } of await checkpoints.list())
      expect(await checkpoints.verify(name), 'what is listed is whole').toEqual(manifest);
    // At most the commits that kills interrupted, between their states and their manifests.
    for (const { reason } of rejected)
      expect(reason).toMatch(/^manifest\.json is missing$|^it was not finished when pid \d+ took the training over$/);
  }
  expect((await checkpoints.list()).length).toBeGreaterThanOrEqual(2);
});

it('200 MB of state are written with at most one more copy in memory', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    program('commit-large.ts'),
    join(root, 'large'),
  ]);
  expect(JSON.parse(stdout).raised).toBeLessThan(260_000_000);
});
