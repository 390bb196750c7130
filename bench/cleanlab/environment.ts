import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from '../python-environment.ts';

/** The Python that cleanlab runs in. */
export const cleanlabEnvironment = (): Promise<string> =>
  pythonEnvironment('cleanlab', fileURLToPath(new URL('requirements.txt', import.meta.url)), ['cleanlab', 'sklearn']);
