import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exportCommand } from '../../cli/commands/export.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('exports to no link, no file and no folder that holds something, which is said before any work', async () => {
  await mkdir(join(folder, 'empty'));
  await symlink(join(folder, 'empty'), join(folder, 'to-empty'));
  await symlink(join(folder, 'none'), join(folder, 'dangling'));
  await writeFile(join(folder, 'file'), '');
  const refusals = { 'to-empty': 'is a link', dangling: 'is a link', file: 'is a file', '': 'is not empty' };
  for (const [name, why] of Object.entries(refusals))
    await expect(exportCommand('run', { to: join(folder, name), json: false })).rejects.toMatchObject({
      code: 'Usage',
      message: `${join(folder, name)} ${why}. Name a folder that does not exist yet.`,
    });
});
