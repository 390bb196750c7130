import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { openStore, type Store } from '../../store/index.ts';

/** A home for the commands of a test file, which is removed when its tests have ended. */
export interface CommandHome {
  readonly home: string;
  readonly store: Store;
  /** What commands have printed since the test began, or since it was emptied. */
  readonly outputs: { out: string; err: string };
}

/** @param name of the folder, for people who look at what tests leave */
export async function commandHome(name: string): Promise<CommandHome> {
  const home = await mkdtemp(join(tmpdir(), `contrail-${name}-`));
  const outputs = { out: '', err: '' };
  beforeAll(() => void vi.stubEnv('CONTRAIL_HOME', home));
  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(home, { recursive: true, force: true });
  });
  beforeEach(() => {
    Object.assign(outputs, { out: '', err: '' });
    const into = (which: keyof typeof outputs) => (text: string | Uint8Array) => {
      outputs[which] += String(text);
      return true;
    };
    vi.spyOn(process.stdout, 'write').mockImplementation(into('out'));
    vi.spyOn(process.stderr, 'write').mockImplementation(into('err'));
  });
  afterEach(() => vi.restoreAllMocks());
  return { home, store: openStore(join(home, 'store')), outputs };
}
