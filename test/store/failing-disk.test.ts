import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { runProgram } from '../../native/programs.ts';
import { faultyDisk } from '../chaos/machine/disk.ts';

/** In memory where that is possible: thousands of syncs take a disk a minute. */
const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const answerSchema = z.object({ operations: z.record(z.string(), z.int().positive()), problems: z.array(z.string()) });

it('whichever operation a real disk refuses, once or from then on, a store is as before or as after, never between', {
  timeout: 120_000,
}, async () => {
  const folder = await mkdtemp(join(place, 'contrail-failing-disk-'));
  try {
    const under = join(folder, 'under');
    await mkdir(under);
    const { environment } = await faultyDisk(folder, under);
    const program = fileURLToPath(new URL('processes/refuse-each.ts', import.meta.url));
    const runner = fileURLToPath(new URL('../../native/run.mjs', import.meta.url));
    const args = [runner, program, join(folder, 'faulty.control'), under];
    const { operations, problems } = answerSchema.parse(
      JSON.parse(await runProgram(process.execPath, args, environment)),
    );
    expect(problems).toEqual([]);
    // Fewer would mean that the disk does not see what the store does.
    for (const [work, count] of Object.entries(operations)) expect(count, work).toBeGreaterThan(10);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
