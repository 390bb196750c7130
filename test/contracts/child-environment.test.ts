import { execFileSync } from 'node:child_process';
import { describe, expect, it, vi } from 'vitest';
import { childEnvironment, inChildEnvironment } from '../../contracts/child-environment.ts';

const shell = {
  PATH: '/usr/bin',
  HOME: '/home/ada',
  LD_LIBRARY_PATH: '/opt/lib',
  CUDA_VISIBLE_DEVICES: '1',
  TF_CPP_MIN_LOG_LEVEL: '0',
  NVIDIA_VISIBLE_DEVICES: 'all',
  OMP_NUM_THREADS: '2',
  LC_ALL: 'C.UTF-8',
  NODE_OPTIONS: '--max-old-space-size=4096',
  HF_HOME: '/models',
  HF_HUB_OFFLINE: '1',
};
const setUp = { PIP_INDEX_URL: 'https://user:password@index', https_proxy: 'http://proxy', SSL_CERT_FILE: '/ca.pem' };
const secrets = {
  TEMPORAL_API_KEY: 'secret',
  TEMPORAL_ADDRESS: 'cloud:7233',
  TEAM_WEBHOOK: 'https://hook/secret',
  AWS_SECRET_ACCESS_KEY: 'secret',
  GITHUB_TOKEN: 'secret',
  CONTRAIL_STORE: '/store',
  // Under prefixes that are listed.
  TF_VAR_database_password: 'secret',
  TF_TOKEN_app_terraform_io: 'secret',
  TF_ALERTS_WEBHOOK: 'https://hook/secret',
  NVIDIA_API_KEY: 'secret',
  LD_SDK_KEY: 'secret',
  HF_TOKEN: 'secret',
};

describe('the environment of a child process', () => {
  it('holds what computing needs, and nothing else of the shell', () => {
    expect(childEnvironment({ ...shell, ...setUp, ...secrets, UNSET: undefined }, 'compute')).toEqual(shell);
  });

  it('holds who asks a store on a server, where a child of ours opens it', () => {
    const { AWS_SECRET_ACCESS_KEY } = secrets;
    const aws = { AWS_ENDPOINT_URL_S3: 'http://s3', AWS_REGION: 'eu', AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY };
    expect(childEnvironment({ ...shell, ...setUp, ...secrets, ...aws, AWS_OTHER: 'x' }, 'store')).toEqual({
      ...shell,
      ...aws,
    });
    expect(childEnvironment({ ...shell, ...aws }, 'compute')).toEqual(shell);
  });

  it("holds places, language and Go's settings for Temporal's server", () => {
    const { PATH, HOME, LC_ALL } = shell;
    expect(childEnvironment({ ...shell, ...setUp, ...secrets, GOMAXPROCS: '2' }, 'server')).toEqual({
      ...{ PATH, HOME, LC_ALL },
      GOMAXPROCS: '2',
    });
  });

  it('is that of a program that is started without saying one, and this process has its own again', () => {
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    const given = inChildEnvironment('server', () => execFileSync('env', { encoding: 'utf8' }));
    expect(given).toMatch(/^PATH=/m);
    expect(given).not.toContain('hf_secret');
    expect(process.env.HF_TOKEN).toBe('hf_secret');
    expect(() =>
      inChildEnvironment('server', () => {
        throw new Error('not started');
      }),
    ).toThrow('not started');
    expect(process.env.HF_TOKEN).toBe('hf_secret');
    vi.unstubAllEnvs();
  });

  it('holds indexes, proxies and certificates for set-up alone', () => {
    expect(childEnvironment({ ...shell, ...setUp, ...secrets }, 'set-up')).toEqual({ ...shell, ...setUp });
  });
});
