import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from '../python-environment.ts';

/** The Python that Ray Tune runs in, half a gigabyte of disk. */
export const rayEnvironment = (): Promise<string> =>
  pythonEnvironment('ray', fileURLToPath(new URL('requirements.txt', import.meta.url)), ['ray', 'ray.tune']);
