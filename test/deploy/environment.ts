import { fileURLToPath } from 'node:url';
import { madeEnvironment, pythonEnvironment } from '../../bench/python-environment.ts';

const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));

/** Makes the Python with what judges deploy/: hadolint, Docker Compose and the schemas of Kubernetes. */
export const makeDeployEnvironment = (): Promise<string> =>
  pythonEnvironment('deploy', requirements, ['kubernetes_validate', 'yaml']);

/** Its interpreter; null where set-up did not make it. */
export const deployPython = (): Promise<string | null> => madeEnvironment('deploy', requirements);
