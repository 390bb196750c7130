import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type ModelStore, makeModelStore } from './make-model-store.ts';

export type { ModelStore, TrainedModel } from './make-model-store.ts';

/** A store of the test file's own, which is removed when its tests have ended. */
export async function modelStore(): Promise<ModelStore> {
  const storeUrl = await mkdtemp(join(tmpdir(), 'contrail-serve-'));
  afterAll(() => rm(storeUrl, { recursive: true, force: true }));
  return makeModelStore(storeUrl);
}
