import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const contrail = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));

it.each([['--version'], ['graph', fileURLToPath(new URL('../../pipelines/quickstart.yaml', import.meta.url))]])(
  'what cannot be written, as its disk is full, is a failure with a sentence: %s',
  (...args) => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [contrail, ...args], { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    expect(String(stderr)).toContain('No space is left on the disk');
    expect(String(stderr)).not.toContain('unforeseen');
    expect(status).toBe(1);
  },
);
