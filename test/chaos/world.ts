import type { ChildProcess } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ServerClient } from '../../cli/connection.ts';
import { freePorts, portsOf, startDevServer, startWorkerProcess, stopDevServer } from '../../cli/dev-server.ts';
import { superviseChild } from '../../cli/processes.ts';
import { type Home, openHome } from '../../home/home.ts';
import { openStore, type Store } from '../../store/index.ts';
import { type BadNetwork, startProxy } from '../s3/proxy.ts';
import { type S3Server, startS3Server } from '../s3/server.ts';
import { type FaultyDisk, faultyDisk } from './machine/disk.ts';
import { type Link, startLink } from './machine/link.ts';
import type { StoreKind } from './messages.ts';

/** A process that is started again when it has ended, as systemd does it. */
export interface Kept {
  readonly pid: () => number;
  /** Sends a signal that ends it, waits for that, and starts it again after a while. */
  readonly end: (signal: 'SIGKILL' | 'SIGTERM', awayMs: number) => Promise<void>;
  /** Ends it for good. @returns its exit code, or the signal that it died of */
  readonly stop: () => Promise<string>;
}

/** A Temporal server, two workers and a store, with everything between them that may break. */
export interface World {
  readonly folder: string;
  readonly kind: StoreKind;
  readonly home: Home;
  /** The store as nothing stands in its way. */
  readonly store: Store;
  readonly server: Kept;
  readonly workers: readonly Kept[];
  /** Between the workers and the Temporal server. */
  readonly link: Link;
  /** Between the workers and the S3 server; null where the store is a folder. */
  readonly network: BadNetwork | null;
  /** Of the store's folder, and of the home of the workers. */
  readonly disk: FaultyDisk;
  readonly client: ServerClient;
  /** What programs that a person starts have besides. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends everything. @returns how the workers ended */
  readonly stop: () => Promise<readonly string[]>;
  readonly remove: () => Promise<void>;
}

/** A process that has ended by itself is started again after this. */
const restartMs = 1000;

/**
 * @param folder that everything of it lies in
 * @throws Error where there is no C compiler, or no S3 server is installed
 */
export async function startWorld(kind: StoreKind, folder: string): Promise<World> {
  const [homeFolder, temporary] = [join(folder, 'home'), join(folder, 'tmp')];
  await mkdir(temporary);
  process.env.TMPDIR = temporary;
  const s3: S3Server | null = kind === 's3' ? await startS3Server() : null;
  const network = s3 && (await startProxy(s3.port));
  const storeUrl = s3 ? s3.storeUrl('chaos') : join(homeFolder, 'store');
  process.env.CONTRAIL_STORE = storeUrl;
  const home = openHome({ CONTRAIL_HOME: homeFolder, CONTRAIL_STORE: storeUrl });
  const store = openStore(home.storeUrl);
  // It asks its server once, and so keeps the way that leads there now.
  await store.exists('store.json');
  const disk = await faultyDisk(folder, homeFolder);

  let server = await startDevServer(home, freePorts);
  const link = await startLink(server.port);
  process.env.TEMPORAL_ADDRESS = `127.0.0.1:${server.port}`;
  const client = await connect(home);
  const environment = { ...disk.environment, ...(network ? { AWS_ENDPOINT_URL_S3: network.endpoint } : {}) };
  const startWorker = () => inEnvironment(environment, () => startWorkerProcess(home, link.address));

  const keptServer: Kept = {
    pid: () => server.process.pid ?? 0,
    end: async (signal, awayMs) => {
      await ended(server.process, signal);
      await sleep(awayMs);
      // Its client connects again by itself.
      server = await startDevServer(home, portsOf(server));
    },
    stop: async () => {
      await client.close();
      await stopDevServer(home, server);
      return 'stopped';
    },
  };
  const workers = [0, 1].map(() => keepWorker(startWorker));
  return {
    folder,
    kind,
    home,
    store,
    server: keptServer,
    workers,
    link,
    network,
    disk,
    client,
    environment,
    stop: async () => {
      const how = await Promise.all(workers.map((worker) => worker.stop()));
      await keptServer.stop();
      await link.stop();
      await network?.stop();
      await s3?.stop();
      return how;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function keepWorker(start: () => ChildProcess): Kept {
  let isOver = false;
  let isAway = false;
  /** A worker that gives up, because no server answers say, is started again, as systemd does it. */
  const begin = (): ChildProcess => {
    const child = start();
    child.once('exit', () => {
      if (worker !== child || isOver || isAway) return;
      setTimeout(() => {
        if (worker === child && !isOver && !isAway) worker = begin();
      }, restartMs);
    });
    return child;
  };
  let worker: ChildProcess = begin();
  return {
    pid: () => worker.pid ?? 0,
    end: async (signal, awayMs) => {
      isAway = true;
      await ended(worker, signal);
      await sleep(awayMs);
      isAway = false;
      worker = begin();
    },
    stop: async () => {
      isOver = true;
      return ended(worker, 'SIGTERM');
    },
  };
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<string> {
  child.kill(signal);
  return superviseChild(child).ended;
}

/** Starts something with variables that this process does not have otherwise. @param start starts it before it returns */
export function inEnvironment<T>(variables: Readonly<Record<string, string>>, start: () => T): T {
  const own = process.env;
  process.env = { ...own, ...variables };
  try {
    return start();
  } finally {
    process.env = own;
  }
}
