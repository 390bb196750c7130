import { afterAll, vi } from 'vitest';

/** What a test file changes of its process is put back, for the files that the process runs after it. */
const { env } = process;
const variables = { ...env };
const umask = process.umask();
const folder = process.cwd();

afterAll(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  // A plain object in its place takes part in nothing: children, native code and stubs go by this one.
  process.env = env;
  for (const name of Object.keys(env)) if (!(name in variables)) delete env[name];
  Object.assign(env, variables);
  process.umask(umask);
  process.chdir(folder);
});
