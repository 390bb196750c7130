import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bytesOfText, type Target } from '../engine/target.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Pipelines that use what those that ship do not. */
const more = [
  `name: all
description: &d Everything at once
params: { seed: 0, epochs: 3, names: [a, b], rate: 0.1 }
defaults: { retry: { maximumAttempts: 3, initialInterval: 10s, backoffCoefficient: 2 }, timeout: 2h, queue: gpu }
schedule: { cron: "0 3 * * 1", timezone: Europe/Berlin, overlap: skip }
include: [{ file: part.yaml, as: part, with: { images: 100 } }]
steps:
  data: { uses: prepare-data, with: { dataset: generated, generated: { classes: 3, images: 200 } } }
  pretrain:
    uses: pretrain
    needs: [data]
    matrix: { seed: [0, 1, 2], rate: [0.1, 0.01] }
    maxParallel: 2
    when: "params.epochs > 2 && steps.data.result.counts.train >= 10"
    with: { encoder: small-resnet, epochs: "\${params.epochs}", seed: "\${matrix.seed}", optimizer: { name: adam, learningRate: "\${matrix.rate}" } }
  probe: { uses: linear-probe, needs: [pretrain], matrix: pretrain, timeout: 30m, cache: false, priority: 2 }
  ask: { uses: approve, needs: [probe], with: { message: "\${steps.data.result.counts.train} images" } }
onFailure: { tell: { uses: notify, with: { urlFrom: HOOK, message: *d } } }
finally: { last: { uses: notify, with: { urlFrom: HOOK, message: "ended as \${run.state}" } } }
`,
  `name: own
steps:
  make: { uses: run, with: { command: [python3, make.py, "\${outputs.made}"], sources: ["*.py"], result: { rows: list }, outputs: { made: { folder: made } } } }
  more: { uses: run, matrix: { row: "\${steps.make.result.rows}" }, needs: [make], with: { command: "cat a", shell: true, inputs: { a: "\${steps.make.result.made}" }, noRetry: [2] } }
`,
];

/** Pipelines in YAML, as \`contrail validate\` reads, checks and plans them. */
export const pipelines: Target = {
  name: 'pipelines',
  reads: 'pipelines in YAML: read, checked, planned, drawn',
  form: 'text',
  tokens: [
    ...[
      'name',
      'steps',
      'uses',
      'with',
      'needs',
      'when',
      'matrix',
      'retry',
      'timeout',
      'include',
      'params',
      'schedule',
    ],
    ...['defaults', 'finally', 'onFailure', 'queue', 'cache', 'priority', 'prepare-data', 'pretrain', 'sweep', 'run'],
    ...['linear-probe', 'evaluate', 'report', 'promote', '${params.seed}', '${steps.data.result.counts}', '&a', '*a'],
    ...['<<: *a', '? ', ': ', '- ', '|', '>', '!!binary', '!!set', '!!js/function', '---', '...', '#', '%YAML 1.1'],
    ...[
      '&a [*a]',
      '&a {b: *a}',
      '[a, b]',
      '{ a: b }',
      '24h',
      '0 3 * * *',
      '@every',
      '~',
      'on',
      '0o17',
      '1:30',
      '2001-01-01',
    ],
  ],
  region: (input) => (input[0] === 0x7b ? { from: 0, to: input.length, form: 'json' } : null),
  mostBytes: 16 * 2 ** 10,
  open: async ({ folder }) => {
    const { openPipelineFile } = await import('../../../cli/pipeline-file.ts');
    const { graphOf } = await import('../../../pipelines/language/describe/graph/index.ts');
    const { parse } = await import('yaml');
    const texts: string[] = [...more];
    for (const within of ['pipelines', 'examples/emoji', 'examples/tuxpaint', 'examples/unbalanced'])
      for (const name of await readdir(join(root, within)))
        if (name.endsWith('.yaml')) texts.push(await readFile(join(root, within, name), 'utf8'));
    const file = join(folder, 'pipeline.yaml');
    await writeFile(
      join(folder, 'part.yaml'),
      'params: { images: 10 }\nsteps: { more: { uses: prepare-data, with: { dataset: generated, generated: { classes: 2, images: "${params.images}" } } } }\n',
    );
    await writeFile(join(folder, 'make.py'), 'print(1)\n');
    await writeFile(join(folder, 'step.ts'), 'export default 1;\n');
    return {
      // JSON is YAML, and its structure can be changed without breaking lines.
      seeds: [...texts, ...texts.map((text) => JSON.stringify(parse(text)))].map(bytesOfText),
      run: async (input) => {
        await writeFile(file, input);
        const plan = (await openPipelineFile(file, { runCode: false })).plan({});
        return `${graphOf(plan).nodes.length} steps`;
      },
    };
  },
};
