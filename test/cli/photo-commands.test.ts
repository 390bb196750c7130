/** The commands of "Look-alikes and predictions" do what the page says, word for word, on a model of another name. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { addVersion } from '../../store/index.ts';
import { pages } from '../docs/pages.ts';
import { stripes } from '../serving/pictures.ts';
import { run, type SmallModel, smallModel } from '../serving/small-model.ts';

const contrail = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));
const text = pages.find(({ name }) => name === 'docs/using-the-model.md')?.text ?? '';
const section = text.split('## Look-alikes and predictions\n')[1]?.split('\n## ')[0] ?? '';
const commands = [...section.matchAll(/^ {4}contrail (.+)$/gm)].map(([, line = '']) => line);

let model: SmallModel;
let folder: string;

beforeAll(async () => {
  model = await smallModel({ measured: true });
  folder = join(model.folder, 'here');
  await mkdir(join(folder, 'photos', 'shop'), { recursive: true });
  await writeFile(join(folder, 'photo.jpg'), await stripes('red', 5000));
  await writeFile(join(folder, 'photos', 'shop', 'one.png'), await stripes('blue', 5001));
  const { encoder, classifier, evaluation } = model;
  await addVersion(model.store, {
    model: 'shirts',
    version: 1,
    run,
    step: null,
    encoder,
    classifier,
    evaluation: evaluation ?? encoder,
    metrics: { top1: 1 },
    testSet: '0'.repeat(64),
    reason: 'it is the first',
  });
});

it('has commands', () => expect(commands.length).toBeGreaterThanOrEqual(4));

it.each(commands)('contrail %s', async (line) => {
  const args = line.split(' ').map((word) => (word === 'quickstart' ? 'stripes' : word));
  const env = { ...process.env, CONTRAIL_HOME: model.home.folder, NO_COLOR: '1' };
  const { stdout } = await promisify(execFile)(process.execPath, [contrail, ...args], { cwd: folder, env });
  const to = args.indexOf('--to');
  if (to >= 0) expect(await readFile(join(folder, args[to + 1] ?? ''), 'utf8')).toMatch(/blue|red/);
  else expect(stdout).toMatch(/blue|red/);
  if (args.includes('--json')) expect(JSON.parse(stdout).photos).toHaveLength(1);
});

it.each([
  ['predict', 'stripes', 'photo.jpg'],
  ['similar', 'stripes', 'photo.jpg'],
  ['export', 'stripes', '--to', 'none'],
])('contrail %s says that TensorFlow is not set up where it is not', async (...args) => {
  const env = {
    ...process.env,
    CONTRAIL_HOME: model.home.folder,
    CONTRAIL_CACHE: join(folder, 'empty'),
    NO_COLOR: '1',
  };
  const { stderr } = await promisify(execFile)(process.execPath, [contrail, ...args], { cwd: folder, env }).catch(
    (error: { readonly stderr: string }) => error,
  );
  expect(stderr).toMatch(/error TensorFlow is not set up.* Run `contrail setup`\.\n$/);
});
