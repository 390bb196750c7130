import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from '../python-environment.ts';

/** The Python that faiss runs in. */
export const faissEnvironment = (): Promise<string> =>
  pythonEnvironment('faiss', fileURLToPath(new URL('requirements.txt', import.meta.url)), ['faiss', 'numpy']);
