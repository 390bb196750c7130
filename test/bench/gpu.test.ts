import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { figureSchema } from '../../bench/gpu/figures.ts';

const program = fileURLToPath(new URL('../../bench/gpu/main.ts', import.meta.url));
const lineSchema = figureSchema.extend({ at: z.iso.datetime() });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-gpu-bench-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What is to be learnt on a GPU, learnt here in the smallest sizes. */
async function learn(name: string, ...options: readonly string[]) {
  const out = join(folder, name);
  const child = spawn(process.execPath, ['--import', 'tsx', program, '--tiny', '--out', out, ...options]);
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  child.stderr.resume();
  const [code] = await once(child, 'close');
  const text = await readFile(join(out, 'figures.jsonl'), 'utf8');
  const figures = text
    .trim()
    .split('\n')
    .map((line) => lineSchema.parse(JSON.parse(line)));
  const valueIn = (part: string, figure: string) =>
    figures.find((each) => each.part === part && each.figure === figure)?.value;
  return { code, said, figures, valueIn };
}

/** A program that says yes to whatever it is asked to load, and then is no PyTorch. */
async function pretender(): Promise<string> {
  const path = join(folder, 'pretender');
  await writeFile(path, '#!/bin/sh\n[ "$1" = -c ] && exit 0\necho "it is no PyTorch" >&2\nexit 3\n');
  await chmod(path, 0o755);
  return path;
}

describe('bench -- gpu', () => {
  it('learns every part on a CPU', { timeout: 400_000 }, async () => {
    const { code, said, figures, valueIn } = await learn('all', '--python', join(folder, 'none'));
    expect(figures.filter(({ figure }) => figure.startsWith('failed'))).toEqual([
      expect.objectContaining({ part: 'golden values', figure: 'failed tests', value: 0 }),
    ]);
    expect(code).toBe(0);
    expect(valueIn('placement', 'nodes on CPU:0')).toBeGreaterThan(100);
    expect(valueIn('placement', 'operations on CPU:0')).toContain('ResourceApplyAdam');
    expect(valueIn('losses', 'all losses, largest difference from the CPU without TF32')).toBeLessThan(1e-5);
    expect(valueIn('golden values', 'passed tests')).toBeGreaterThan(10);
    expect(valueIn('bits', 'same bits in two processes, deterministic')).toBe(true);
    expect(valueIn('killed', 'killed as often as asked')).toBe(true);
    expect(valueIn('killed', 'same digests after every epoch')).toBe(true);
    expect(valueIn('small-resnet 4 32 px 4 float32, ours', 'images a second')).toBeGreaterThan(0);
    for (const count of [2, 4]) {
      expect(valueIn('replicas', `${count} side by side, same bits as 1`)).toBe(true);
      expect(valueIn('replicas', `${count} side by side, times as fast as 1`)).toBeGreaterThan(0);
    }
    expect(valueIn('replicas', '8 side by side')).toMatch(/^not here: replicas: 8 asks for 8 GPUs, and there are 0/);
    expect(valueIn('out of memory', 'it had room')).toBe(1);
    expect(valueIn('training', 'evaluate: top1')).toBeGreaterThan(0.25);
    expect(said).toContain('same bits in two processes');
  });

  it('goes on after a part that fails, keeps its message, and ends with 1', async () => {
    const { code, valueIn } = await learn('failing', '--only', 'small-resnet', '--python', await pretender());
    expect(valueIn('small-resnet 4 32 px 4 float32, ours', 'step')).toBeGreaterThan(0);
    for (const peer of ['torch.compile', 'PyTorch'])
      expect(valueIn(`small-resnet 4 32 px 4 float32, ${peer}`, 'failed')).toContain('it is no PyTorch');
    expect(code).toBe(1);
  });

  it('begins nothing when its time is over', async () => {
    const { code, figures } = await learn('late', '--seconds', '1', '--python', join(folder, 'none'));
    expect(new Set(figures.map(({ value }) => value))).toEqual(new Set(['not begun: no time left']));
    expect(figures.length).toBeGreaterThan(5);
    expect(code).toBe(1);
  });
});
