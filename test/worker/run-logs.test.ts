import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { LogLine } from '../../contracts/logs.ts';
import { openStore, readRunLog, type Store } from '../../store/index.ts';
import { openLogFile } from '../../worker/log-file.ts';
import { createRunLogs } from '../../worker/run-logs.ts';

const folder = mkdtempSync(join(tmpdir(), 'contrail-run-logs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const key = { run: 'shirts', step: 'pretrain' };
const info = (message: string) => ({ level: 'info', source: 'worker', message }) as const;

/** A store in a folder of its own, on a disk that can be filled. */
function storeOnDisk() {
  const store = openStore(mkdtempSync(join(folder, 'store-')));
  let full = false;
  const write: Store['write'] = (path, content) =>
    full
      ? Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }))
      : store.write(path, content);
  const setFull = (is: boolean) => {
    full = is;
  };
  return { store: { ...store, write }, setFull };
}

function openLogs(store: Store, held?: number) {
  const told: string[] = [];
  const lost: LogLine[] = [];
  const trouble = {
    onRefused: () => void told.push('refused'),
    onTaken: () => void told.push('taken'),
    onLost: (lines: readonly LogLine[]) => void lost.push(...lines),
  };
  const logs = createRunLogs(store, trouble, { retryAfterMs: 50, ...(held === undefined ? {} : { held }) });
  return { logs, told, lost };
}
const messagesIn = async (store: Store) => (await readRunLog(store, 'shirts')).lines.map(({ message }) => message);
const until = async (what: () => boolean) => {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe('the log of a run', () => {
  it('has every line in order after a disk that was full, without another line being said', async () => {
    const { store, setFull } = storeOnDisk();
    const { logs, told, lost } = openLogs(store);
    setFull(true);
    for (const message of ['one', 'two']) logs.say(key, info(message));
    await until(() => told.includes('refused'));
    logs.say(key, info('three'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(told).toEqual(['refused']);
    setFull(false);
    await until(() => told.includes('taken'));
    expect(await messagesIn(store)).toEqual(['one', 'two', 'three']);
    await logs.close();
    expect(lost).toEqual([]);
  });

  it('holds the newest lines, and says how many are missing', async () => {
    const { store, setFull } = storeOnDisk();
    const { logs, told } = openLogs(store, 3);
    setFull(true);
    for (let line = 1; line <= 10; line++) logs.say(key, info(`line ${line}`));
    await until(() => told.includes('refused'));
    setFull(false);
    await logs.close();
    expect(await messagesIn(store)).toEqual([
      expect.stringContaining('7 earlier lines are missing'),
      'line 8',
      'line 9',
      'line 10',
    ]);
  });

  it('hands over what it could not write when the worker ends', async () => {
    const { store, setFull } = storeOnDisk();
    const { logs, lost } = openLogs(store);
    setFull(true);
    logs.say(key, info('last words'));
    await logs.close();
    expect(lost.map(({ message }) => message)).toEqual(['last words']);
  });
});

describe('the log file of a worker', () => {
  it('holds what was said, a JSON object a line', async () => {
    const file = join(folder, 'made', 'worker.log');
    openLogFile(file, () => expect.fail('it can be written')).info({ run: 'shirts' }, 'begun');
    await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ run: 'shirts', msg: 'begun' });
  });

  it('on a full disk says so once, and the worker goes on', async () => {
    const file = join(folder, 'full.log');
    symlinkSync('/dev/full', file);
    const told: string[] = [];
    const log = openLogFile(file, (line) => told.push(line));
    log.info('one');
    await until(() => told.length > 0);
    log.info('two');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(told).toEqual([expect.stringMatching(/full\.log cannot be written\. No space is left/)]);
  });

  it.each([
    ['before anything was written', 'early/worker.log', ''],
    ['where its place is taken by a file', 'taken.log/worker.log', /^The log \S+ cannot be written\. [^\n]+\n$/],
    ['on a full disk', 'full-at-exit.log', /^The log \S+ cannot be written\. No space is left[^\n]+\n$/],
  ])('adds no error of its own to a process that ends %s', (_, name, said) => {
    writeFileSync(join(folder, 'taken.log'), '');
    if (name.startsWith('full')) symlinkSync('/dev/full', join(folder, name));
    const program = `
      const { openLogFile } = await import(${JSON.stringify(new URL('../../worker/log-file.ts', import.meta.url))});
      const log = openLogFile(${JSON.stringify(join(folder, name))}, (line) => process.stderr.write(line + '\\n'));
      // Of an asynchronous log the first line is on its way at the end, and the second waits for it.
      if (${name.startsWith('full')}) for (const line of ['one', 'two']) log.info(line);
      process.exit(2);`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', program];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
    expect(stderr).toEqual(said === '' ? '' : expect.stringMatching(said));
    expect(status).toBe(2);
  });
});
