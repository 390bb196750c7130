import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type ServerClient } from '../../cli/connection.ts';
import { openHome } from '../../home/home.ts';
import { openStore, type Store } from '../../store/index.ts';
import { makeS3Environment } from '../../test/s3/environment.ts';
import { bucket, s3Variables, startS3Server } from '../../test/s3/server.ts';
import { makeNetwork } from './network.ts';
import { startPostgres, unprivileged } from './postgres.ts';
import { startTemporal, type TemporalServer } from './temporal-server.ts';
import type { Undoing } from './undoing.ts';
import { type ClusterWorker, startClusterWorker } from './worker.ts';

/** All that runs, and how to ask it. */
export interface Cluster {
  readonly store: Store;
  readonly client: ServerClient;
  readonly temporal: TemporalServer;
  readonly workers: readonly ClusterWorker[];
  /** Aborted when a person interrupts the measurement. */
  readonly signal: AbortSignal;
}

export const workerNames = ['worker-1', 'worker-2', 'worker-3'];
/** The files that its processes write to, in its folder. */
export const logNames = [...workerNames, 'temporal'].map((name) => `${name}.log`);

/** Starts the servers on a bridge and a worker on each of three machines. This process becomes an operator's, with a home of its own. */
export async function startCluster(
  { folder, signal }: { readonly folder: string; readonly signal: AbortSignal },
  undoing: Undoing,
): Promise<Cluster> {
  const say = (text: string) => {
    signal.throwIfAborted();
    process.stderr.write(`cluster: ${text}\n`);
  };
  await makeS3Environment();
  // PostgreSQL does not run as root, and has a folder of its own in it.
  await chmod(folder, 0o711);
  say('network, PostgreSQL, S3');
  const network = await makeNetwork(workerNames, undoing);
  const postgres = await startPostgres(join(folder, 'postgres'), unprivileged(), undoing);
  const s3 = await startS3Server(network.address);
  undoing.later('the S3 server', s3.stop);
  say("Temporal's server");
  const temporal = await startTemporal({ host: network.address, folder: join(folder, 'temporal'), postgres }, undoing);
  const variables = {
    ...s3Variables(s3.endpoint),
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    CONTRAIL_STORE: `s3://${bucket}/cluster?path-style=true`,
  };
  Object.assign(process.env, variables);
  const home = openHome({ CONTRAIL_HOME: join(folder, 'operator'), CONTRAIL_STORE: variables.CONTRAIL_STORE });
  process.env.CONTRAIL_HOME = home.folder;
  const work = join(folder, 'machines');
  await mkdir(work);
  say('three workers');
  const started = await Promise.all(
    network.machines.map((machine) => startClusterWorker(machine, { work, logs: folder, variables }, undoing)),
  );
  const client = await connect(home);
  undoing.later('the connection', client.close);
  return { store: openStore(home.storeUrl), client, temporal, workers: started, signal };
}
