import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { cacheCollectCommand } from '../../cli/commands/cache/gc.ts';

const home = await mkdtemp(join(tmpdir(), 'contrail-test-'));
vi.stubEnv('CONTRAIL_HOME', home);
afterAll(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(home, { recursive: true, force: true });
});

it('contrail cache gc removes what came of weights that nobody went on fetching, and counts its bytes', async () => {
  const folder = join(home, 'cache/weights');
  const part = join(folder, `.${'a'.repeat(64)}.part`);
  await mkdir(folder, { recursive: true });
  await writeFile(part, 'abc');
  await utimes(part, new Date(0), new Date(0));
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  await cacheCollectCommand({ dryRun: true, json: true });
  expect(JSON.parse(written.join(''))).toMatchObject({ dryRun: true, weightParts: [part], bytes: 3 });
  expect(await readdir(folder)).toHaveLength(1);
  await cacheCollectCommand({ dryRun: false, json: false });
  expect(written.join('')).toContain('1 half-fetched file of weights that nobody went on with for a day: 3 bytes.');
  expect(await readdir(folder)).toEqual([]);
});
