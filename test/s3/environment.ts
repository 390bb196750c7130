import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { madeEnvironment, pythonEnvironment } from '../../bench/python-environment.ts';

/** S3 servers that there are packages of: what must load, so that one counts as installed. */
const servers = { moto: ['moto.server', 'moto.s3.models'], seaweedfs: ['sysconfig'] } as const;
export type S3ServerKind = keyof typeof servers;

/** The server that the tests run against: moto, which starts in seconds, unless CONTRAIL_TEST_S3 names another. */
export const s3ServerKind: S3ServerKind = z
  .enum(['moto', 'seaweedfs'])
  .default('moto')
  .parse(process.env.CONTRAIL_TEST_S3);

const name = s3ServerKind === 'moto' ? 's3-server' : s3ServerKind;
const requirements = fileURLToPath(new URL(`${s3ServerKind}.txt`, import.meta.url));

/** Makes the Python environment that the S3 server of the tests is in, where there is none. */
export const makeS3Environment = (): Promise<string> => pythonEnvironment(name, requirements, servers[s3ServerKind]);

/** The interpreter of that environment; null where set-up did not make it. */
export const s3Environment = (): Promise<string | null> => madeEnvironment(name, requirements);
