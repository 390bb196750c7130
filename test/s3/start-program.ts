import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePortOf } from '../../native/free-port.ts';
import type { S3ServerKind } from './environment.ts';

interface Place {
  /** Of the environment that the server is installed in. */
  readonly python: string;
  readonly host: string;
  readonly port: number;
  /** What it keeps lies here. */
  readonly folder: string;
}

/** Starts a server whose S3 port this is, and who logs to its standard error. */
export const startProgram: Readonly<Record<S3ServerKind, (place: Place) => Promise<ChildProcess>>> = {
  moto: async ({ python, host, port, folder }) => {
    const program = fileURLToPath(new URL('one_request_at_a_time.py', import.meta.url));
    return run(python, [program, '-H', host, '-p', String(port)], folder);
  },

  seaweedfs: async ({ python, host, port, folder }) => {
    const config = join(folder, 's3.json');
    const all = ['Admin', 'Read', 'List', 'Tagging', 'Write'];
    const identities = [
      { name: 'tests', credentials: [{ accessKey: 'test', secretKey: 'test' }], actions: all },
      { name: 'anonymous', actions: all },
    ];
    await writeFile(config, JSON.stringify({ identities }));
    const data = join(folder, 'data');
    await mkdir(data);
    const others: string[] = [];
    for (const part of ['master', 'volume', 'filer'])
      for (const name of ['port', 'port.grpc']) others.push(`-${part}.${name}=${await freePort(host)}`);
    const arguments_ = [
      ...['server', `-dir=${data}`, `-ip=${host}`, `-ip.bind=${host}`, '-filer', '-s3', `-s3.port=${port}`],
      ...[`-s3.port.grpc=${await freePort(host)}`, `-s3.config=${config}`, ...others],
      ...['-s3.port.iceberg=0', '-s3.port.lance=0'],
      ...['-volume.max=0', '-master.volumeSizeLimitMB=64', '-master.telemetry=false'],
    ];
    return run(join(dirname(python), 'weed'), arguments_, folder);
  },
};

const run = (program: string, arguments_: readonly string[], folder: string): ChildProcess => {
  const { PATH } = process.env;
  return spawn(program, arguments_, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH, HOME: folder, NO_COLOR: '1' },
  });
};

/** @throws Error where none is free */
export async function freePort(host: string): Promise<number> {
  const port = await freePortOf(host);
  if (port === null) throw new Error(`no port is free on ${host}`);
  return port;
}
