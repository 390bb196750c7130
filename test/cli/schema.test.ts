import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFiles } from '../own-steps/folder.ts';

const cli = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'contrail-schema-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const schema = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'schema', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { status, stderr, text: stdout };
};

beforeAll(() =>
  writeFiles(folder, {
    'p.yaml': `name: p
steps:
  made: { uses: ./steps/made.ts, with: { colour: blue } }
  unfinished: { uses: evaluat }
`,
    'steps/made.ts': `import { defineStep, z } from 'contrail/define';
export default defineStep({ with: z.object({ colour: z.enum(['red', 'green']) }), run: () => ({}) });
`,
    'broken.yaml': 'name: p\nsteps:\n  one: { uses: ./steps/broken.ts }\n  two: { uses: ./steps/made.ts }\n',
    'steps/broken.ts': "\nthrow new Error('oh');\n",
  }),
);

describe('contrail schema', () => {
  it('is the schema that ships where no pipeline is named', async () => {
    const { status, text } = schema();
    const shipped = await import('../../pipelines/schema.json', { with: { type: 'json' } });
    expect(status).toBe(0);
    expect(JSON.parse(text)).toEqual(shipped.default);
  });

  it('of a pipeline knows its own steps, also where the pipeline is not right yet', () => {
    const { status, text } = schema('p.yaml');
    expect(status).toBe(0);
    expect(text).toContain('["red","green"]');
  });

  it('runs none of them where that is asked for', () => {
    const { status, text } = schema('broken.yaml', '--no-code');
    expect(status).toBe(0);
    expect(text).not.toContain('broken.ts');
  });

  it('names the place of a step that cannot be loaded, and prints nothing', () => {
    expect(schema('broken.yaml')).toEqual({
      status: 2,
      stderr: 'error broken.yaml:3:16: ./steps/broken.ts: steps/broken.ts:2:7: oh\n',
      text: '',
    });
  });
});
