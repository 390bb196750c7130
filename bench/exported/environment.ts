import { fileURLToPath } from 'node:url';
import { madeEnvironment, pythonEnvironment } from '../python-environment.ts';

const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));

/** The Python that an exported folder is tried in. */
export const exportedEnvironment = (): Promise<string> =>
  pythonEnvironment('exported', requirements, ['onnxruntime', 'PIL', 'usearch']);

/** Its interpreter where it has been made; null elsewhere. */
export const exportedPython = (): Promise<string | null> => madeEnvironment('exported', requirements);
