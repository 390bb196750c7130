import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { localCopy } from '../../cli/local-copy.ts';
import { openStore } from '../../store/index.ts';
import { type S3Server, startS3Server, whyNoS3Server } from '../s3/server.ts';

const folder = await mkdtemp(join(tmpdir(), 'contrail-local-copy-'));
vi.stubEnv('CONTRAIL_HOME', join(folder, 'home'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const missing = await whyNoS3Server();

it('a folder of a store that is a folder is shown where it lies', async () => {
  const store = openStore(join(folder, 'store'));
  expect(await localCopy(store, 'runs/a/report')).toBe(join(folder, 'store/runs/a/report'));
});

describe.skipIf(missing)(`a folder of a store on an S3 server${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server();
  });
  afterAll(() => server?.stop());

  it('is fetched into the home, and again what has changed', async () => {
    const store = openStore(server.storeUrl('shown'));
    await store.write('runs/a/report/report.html', Buffer.from('one'));
    await store.write('runs/a/report/plots/x.svg', Buffer.from('plot'));
    const copy = await localCopy(store, 'runs/a/report');
    expect(await readFile(join(copy, 'report.html'), 'utf8')).toBe('one');
    expect(await readFile(join(copy, 'plots/x.svg'), 'utf8')).toBe('plot');
    await store.write('runs/a/report/report.html', Buffer.from('two'));
    expect(await localCopy(store, 'runs/a/report')).toBe(copy);
    expect(await readFile(join(copy, 'report.html'), 'utf8')).toBe('two');
  });
});
