import { execFileSync } from 'node:child_process';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { recordDevServer } from '../../cli/dev-record.ts';
import type { Json } from '../../contracts/json.ts';
import { openHome } from '../../home/home.ts';
import { openStore, type Store } from '../../store/index.ts';
import { runCommand } from '../e2e/command.ts';
import { recordedFormats } from './formats/files.ts';
import { recordText } from './formats/text.ts';
import { answerOf, commands, type Expected, homeIn, neighboursIn } from './release.ts';

/** What only other programs and people read is left out: it would be most of the bytes. */
const isLeftOut = (path: string) => /^runs\/[^/]+\/(tensorboard\/|report\/.*\.(html|png|svg|md)$)/.test(path);

async function expectedOfStore(store: Store, answers: Record<string, Json>): Promise<Expected> {
  const checkpoints: Record<string, string> = {};
  const neighbours: Record<string, Awaited<ReturnType<typeof neighboursIn>>> = {};
  for (const { path } of [...(await store.everything())].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const [, run, step, name] =
      /^runs\/([^/]+)\/steps\/([^/]+)\/checkpoints\/([^/]+)\/manifest\.json$/.exec(path) ?? [];
    if (run && step && name) {
      const { digest } = JSON.parse(new TextDecoder().decode(await store.read(path))) as { readonly digest: string };
      checkpoints[`${run}/${step}/${name}`] = digest;
    }
    const [, index] = /^artifacts\/index\/([0-9a-f]{64})\/manifest\.json$/.exec(path) ?? [];
    if (index) neighbours[index] = await neighboursIn(store, { kind: 'index', digest: index });
  }
  return { checkpoints, neighbours, answers };
}

/**
 * Packs what a version left in a home: its store, its own records and an export of its model, with what it answers when it is asked
 * about them, and its formats.
 *
 * @param target a folder that is made
 */
export async function pack(folder: string, target: string): Promise<void> {
  const home = openHome({ CONTRAIL_HOME: folder });
  const packed = join(folder, 'packed');
  const exported = join(folder, 'export');
  await rm(exported, { recursive: true, force: true });
  const { code, stderr } = await runCommand(home, ['export', '--model', 'catalogue', '--to', exported]);
  if (code !== 0) throw new Error(`contrail export ended with ${code}: ${stderr}`);
  recordDevServer(home, { server: 0, worker: 0, keeper: 0, port: 7233, uiPort: 8233 });
  await rm(packed, { recursive: true, force: true });
  const store = openStore(join(folder, 'store'));
  for (const { path } of await store.everything()) {
    if (isLeftOut(path)) continue;
    const to = join(packed, 'home', 'store', path);
    await mkdir(dirname(to), { recursive: true });
    await cp(store.locate(path), to);
  }
  for (const name of ['home.json', 'dev.json']) await cp(join(folder, name), join(packed, 'home', name));
  await cp(exported, join(packed, 'export'), { recursive: true });
  const answers: Record<string, Json> = {};
  for (const command of commands) answers[command] = await answerOf(homeIn(packed), command);
  const expected = await expectedOfStore(openStore(join(packed, 'home', 'store')), answers);
  const order = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  execFileSync('tar', [...order, '-C', packed, '-cf', join(packed, 'written.tar'), 'export', 'home']);
  execFileSync('gzip', ['-n', '-9', join(packed, 'written.tar')]);
  await mkdir(target, { recursive: true });
  await cp(join(packed, 'written.tar.gz'), join(target, 'written.tar.gz'));
  await writeFile(join(target, 'expected.json'), `${JSON.stringify(expected, null, 1)}\n`);
  await writeFile(join(target, 'formats.json'), recordText(recordedFormats()));
}
