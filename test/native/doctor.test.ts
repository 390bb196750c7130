import { randomUUID } from 'node:crypto';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { machineChecks } from '../../native/doctor.ts';
import { makePart } from '../../native/parts.ts';
import { nativeFolder } from '../../native/paths.ts';
import { checkRequirements } from '../../native/preflight.mjs';

const bare = checkRequirements({
  nodeVersion: '24.1.0',
  platform: 'linux',
  arch: 'x64',
  run: () => {
    throw new Error('not found');
  },
});
const missing = (isSetUp: boolean) =>
  machineChecks(bare, isSetUp)
    .filter(({ ok }) => !ok)
    .map(({ part }) => part);

describe('a machine without Python and a compiler', () => {
  it('lacks them as long as there is something to set up', () => {
    expect(missing(false)).toEqual(['Python 3', 'pip', 'C++ compiler']);
  });

  it('lacks nothing where all is set up, as in an image', () => {
    expect(missing(true)).toEqual([]);
    expect(machineChecks(bare, true).map(({ found }) => found)).toContain('none; only set-up needs it');
  });

  it('lacks what programs run on all the same', () => {
    const old = checkRequirements({ nodeVersion: '18.0.0', platform: 'linux', arch: 'arm64' });
    const lacks = machineChecks(old, true).filter(({ ok }) => !ok);
    expect(lacks.map(({ part }) => part)).toEqual(['Node.js', 'platform']);
  });
});

it('a part that set-up makes is for others to read, as the umask says', async () => {
  const folder = join(nativeFolder, `test-${randomUUID()}`);
  const umask = process.umask(0o022);
  try {
    await makePart(folder, 'this', (temporary) => writeFile(join(temporary, 'file'), ''));
    expect((await stat(folder)).mode & 0o777).toBe(0o755);
  } finally {
    process.umask(umask);
    await rm(folder, { recursive: true, force: true });
  }
});
