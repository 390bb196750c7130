import { fileURLToPath } from 'node:url';
import { madeEnvironment, pythonEnvironment } from '../../bench/python-environment.ts';

const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));

/** Makes the Python that the S3 server of the tests runs in, where there is none. */
export const makeS3Environment = (): Promise<string> =>
  pythonEnvironment('s3-server', requirements, ['moto.server', 'moto.s3.models']);

/** That Python; null where set-up did not make it. */
export const s3Environment = (): Promise<string | null> => madeEnvironment('s3-server', requirements);
