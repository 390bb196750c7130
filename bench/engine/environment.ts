import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from '../python-environment.ts';

/** The Python that Dagster runs in. */
export const dagsterEnvironment = (): Promise<string> =>
  pythonEnvironment('dagster', fileURLToPath(new URL('requirements.txt', import.meta.url)), ['dagster']);
