import { connect, ownServer } from '../cli/connection.ts';
import { startDevEnvironment } from '../cli/dev-environment.ts';
import { freePorts } from '../cli/dev-server.ts';
import { startRun } from '../cli/runs.ts';
import type { PipelineStatus } from '../contracts/status.ts';
import { type Home, openHome } from '../home/home.ts';
import { parsePipeline } from '../pipelines/language/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { statusQuery } from '../workflows/messages.ts';
import { withFolder } from './folder.ts';

/** A Temporal server and a worker, in a home of their own. */
export interface Services {
  readonly home: Home;
  readonly store: Store;
  /** Runs a pipeline to its end; gives the results by step. Tells how far it is every second. */
  readonly run: (
    run: string,
    text: string,
    onStatus?: (status: PipelineStatus) => void,
  ) => Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>>>;
}

/** Starts them, works with them, and stops them, on Ctrl-C and SIGTERM too. Their folder goes with them. */
export async function withServices<T>(work: (services: Services) => Promise<T>): Promise<T> {
  return withFolder(async (folder) => {
    const home = openHome({ CONTRAIL_HOME: folder });
    const store = openStore(home.storeUrl);
    const interruption = interruptions();
    const environment = await startDevEnvironment(home, freePorts, () => {});
    try {
      const server = await connect(home, ownServer(environment.server));
      const working = work({
        home,
        store,
        run: async (run, text, onStatus) => {
          await startRun(server, store, run, parsePipeline({ text, file: `${run}.yaml` }), false);
          const handle = server.client.workflow.getHandle(run);
          // One that is not answered is asked again.
          const ask = () => handle.query(statusQuery).then(onStatus, () => {});
          const asking = onStatus && setInterval(ask, 1000);
          try {
            return await handle.result();
          } finally {
            clearInterval(asking);
          }
        },
      });
      const done = await Promise.race([working, interruption.arrived]);
      // Only now: a client that still waits for a result throws where nobody can catch it when its connection closes.
      await server.close();
      return done;
    } finally {
      await environment.stop();
      interruption.stopListening();
    }
  });
}

/** What is started leads process groups of its own, so a signal that ends this process would leave it behind: here it is an error. */
export function interruptions() {
  let interrupt = () => {};
  const arrived = new Promise<never>((_, reject) => {
    interrupt = () => reject(new Error('interrupted'));
  });
  arrived.catch(() => {});
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  const stopListening = () => {
    for (const signal of signals) process.off(signal, interrupt);
  };
  return { arrived, stopListening };
}
