import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { copyStore, identityOf, openStore, storeFile } from '../../store/index.ts';
import { requireNoCopy } from '../../worker/belonging.ts';
import { bucket, type S3Server, startS3Server, whyNoS3Server } from '../s3/server.ts';

const missing = await whyNoS3Server();
const root = await mkdtemp(join(tmpdir(), 'contrail-copies-'));
afterAll(() => rm(root, { recursive: true, force: true }));

describe.skipIf(missing)(`a store that was copied${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server();
    vi.stubEnv('CONTRAIL_S3_PATH_STYLE', 'true');
    vi.stubEnv('CONTRAIL_STORE_CACHE', join(root, 'copies'));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server?.stop();
  });

  const owner = (storeAt: string) => ({ store: 'the same', storeAt, home: 'a', homeAt: 'b' });
  const at = (name: string) => `s3://${bucket}/${name}`;

  it.each([
    [
      'a folder to a bucket',
      () => `${hostname()}:${join(root, 'store')}`,
      () => join(root, 'store'),
      () => at('first'),
    ],
    ['a bucket to another', () => at('second'), () => at('second'), () => at('third')],
  ])('from %s takes its place only once the first says no more which store it is', async (_, place, url, target) => {
    const [from, to] = [openStore(url()), openStore(target())];
    const id = await identityOf(from);
    await copyStore(from, to);
    expect(await identityOf(to)).toBe(id);
    const claim = () => requireNoCopy(owner(place()), owner(target()), 'The namespace');
    await expect(claim()).rejects.toMatchObject({
      code: 'WrongServer',
      message: expect.stringContaining('is a copy of it'),
    });
    await from.remove(storeFile);
    await claim();
  });

  it('from a bucket that is gone is not in the way', async () => {
    const here = openStore(at('fourth'));
    await identityOf(here);
    await requireNoCopy(owner('s3://contrail-bucket-that-is-gone/x'), owner(at('fourth')), 'The namespace');
  });
});
