import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection, NamespaceNotFoundError } from '@temporalio/client';
import { stringify } from 'yaml';
import { freePort } from '../../cli/ports.ts';
import { superviseChild } from '../../cli/processes.ts';
import { childEnvironment } from '../../contracts/child-environment.ts';
import { runProgram } from '../../native/programs.ts';
import { type LoggedProcess, startLogged, stopProcess, untilReady } from './logged-process.ts';
import type { Postgres } from './postgres.ts';
import { temporalPrograms } from './temporal-programs.ts';
import type { Undoing } from './undoing.ts';

/** Temporal's own server on PostgreSQL, all four services in one process. */
export interface TemporalServer {
  readonly address: string;
  readonly namespace: string;
  /** With SIGKILL; what it had not written is lost. */
  readonly kill: () => Promise<void>;
  /** Starts it again where it was; returns once it answers. */
  readonly start: () => Promise<void>;
}

const databases = { temporal: 'temporal', visibility: 'temporal_visibility' } as const;
const namespace = 'contrail';
const retentionSeconds = 3 * 24 * 60 * 60;
const attemptMs = 3000;

/**
 * Makes the tables, writes the configuration, starts the server, and registers a namespace.
 *
 * @param host the address that it listens at
 * @param folder of its configuration
 */
export async function startTemporal(
  { host, folder, postgres }: { readonly host: string; readonly folder: string; readonly postgres: Postgres },
  undoing: Undoing,
): Promise<TemporalServer> {
  const { server, sql } = await temporalPrograms();
  await makeTables(sql, postgres);
  mkdirSync(folder, { mode: 0o700 });
  const port = await freePort(host);
  const configFile = join(folder, 'server.yaml');
  const dynamic = join(folder, 'dynamic.yaml');
  // A lone slot asks one partition of a queue at a time, and this cluster has queues of three slots.
  const partitions = ['Read', 'Write'].map((kind) => [`matching.numTaskqueue${kind}Partitions`, [{ value: 1 }]]);
  writeFileSync(dynamic, stringify(Object.fromEntries(partitions)));
  writeFileSync(configFile, stringify(await configuration({ host, port, postgres, dynamic })), { mode: 0o600 });
  const address = `${host}:${port}`;
  const log = join(folder, '..', 'temporal.log');
  let running: LoggedProcess | undefined;
  const start = async () => {
    running = startLogged(log, server, ['--config-file', configFile, '--allow-no-auth', 'start'], {
      cwd: folder,
      env: { ...childEnvironment(process.env, 'server'), HOME: folder },
    });
    await untilReady(running, "Temporal's server", () => hasNamespace(address));
  };
  undoing.later("Temporal's server", async () => {
    if (running) await stopProcess(running.child, 'SIGTERM');
  });
  await start();
  return {
    address,
    namespace,
    start,
    kill: async () => {
      const { child } = running ?? {};
      if (!child?.kill('SIGKILL')) throw new Error("Temporal's server had ended before it was killed");
      await superviseChild(child).ended;
    },
  };
}

async function makeTables(sql: string, { port, user, password }: Postgres): Promise<void> {
  for (const [schema, database] of Object.entries(databases)) {
    const run = (...args: readonly string[]) =>
      runProgram(
        sql,
        ['--plugin', 'postgres12', '--ep', '127.0.0.1', '-p', String(port), '-u', user, '--db', database, ...args],
        { SQL_PASSWORD: password },
        'server',
      );
    await run('create-database');
    await run('setup-schema', '-v', '0.0');
    await run('update-schema', '--schema-name', `postgresql/v12/${schema}`);
  }
}

async function configuration({
  host,
  port,
  postgres,
  dynamic,
}: {
  readonly host: string;
  readonly port: number;
  readonly postgres: Postgres;
  readonly dynamic: string;
}) {
  const database = (databaseName: string, maxConns: number) => ({
    sql: {
      pluginName: 'postgres12',
      databaseName,
      connectAddr: `127.0.0.1:${postgres.port}`,
      connectProtocol: 'tcp',
      user: postgres.user,
      password: postgres.password,
      maxConns,
      maxIdleConns: maxConns,
      maxConnLifetime: '1h',
    },
  });
  const services: Record<string, object> = {};
  for (const service of ['frontend', 'history', 'matching', 'worker'])
    services[service] = {
      rpc: {
        grpcPort: service === 'frontend' ? port : await freePort(host),
        membershipPort: await freePort(host),
        bindOnIP: host,
      },
    };
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: 4,
      datastores: {
        default: database(databases.temporal, 20),
        visibility: database(databases.visibility, 5),
      },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: host } },
    services,
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress: `${host}:${port}` },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    publicClient: { hostPort: `${host}:${port}` },
    dynamicConfigClient: { filepath: dynamic, pollInterval: '60s' },
  };
}

/** Whether the server answers and knows the namespace; registers it where it does not. */
async function hasNamespace(address: string): Promise<boolean> {
  const connection = Connection.lazy({ address, connectTimeout: attemptMs });
  try {
    await connection.ensureConnected();
    const { workflowService } = connection;
    return await connection.withDeadline(Date.now() + attemptMs, async () => {
      const known = await workflowService.describeNamespace({ namespace }).then(
        () => true,
        (error: unknown) => {
          if (isNotFound(error)) return false;
          throw error;
        },
      );
      if (!known)
        await workflowService.registerNamespace({
          namespace,
          workflowExecutionRetentionPeriod: { seconds: retentionSeconds as never },
        });
      // One that was registered a moment ago is not known to the other services yet.
      await workflowService.countWorkflowExecutions({ namespace });
      return true;
    });
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}

const notFound = 5;
const isNotFound = (error: unknown) =>
  error instanceof NamespaceNotFoundError || (error instanceof Object && 'code' in error && error.code === notFound);
