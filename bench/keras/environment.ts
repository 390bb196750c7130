import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from '../python-environment.ts';

/** The Python that Keras runs in. */
export const kerasEnvironment = (): Promise<string> =>
  pythonEnvironment('keras', fileURLToPath(new URL('requirements.txt', import.meta.url)), ['keras', 'safetensors']);
