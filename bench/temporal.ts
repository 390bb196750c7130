import { connect } from '../cli/connection.ts';
import { startDevEnvironment } from '../cli/dev-environment.ts';
import { startRun } from '../cli/runs.ts';
import { parsePipeline } from '../pipelines/language/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { type Home, openHome } from '../worker/home.ts';
import { withFolder } from './folder.ts';

/** A Temporal server and a worker, in a home of their own. */
export interface Services {
  readonly home: Home;
  readonly store: Store;
  /** Runs a pipeline to its end; gives the results by step. */
  readonly run: (run: string, text: string) => Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>>>;
}

/** Starts them, works with them, and stops them. Their folder goes with them. */
export async function withServices<T>(work: (services: Services) => Promise<T>): Promise<T> {
  return withFolder(async (folder) => {
    const home = openHome({ CONTRAIL_HOME: folder });
    const store = openStore(home.storeUrl);
    const environment = await startDevEnvironment(home, { port: 0, uiPort: 0 }, () => {});
    try {
      // What the client's own configuration reads.
      process.env.TEMPORAL_ADDRESS = environment.address;
      const server = await connect();
      try {
        return await work({
          home,
          store,
          run: async (run, text) => {
            await startRun(server, store, run, parsePipeline({ text, file: `${run}.yaml` }), false);
            return server.client.workflow.getHandle(run).result();
          },
        });
      } finally {
        await server.close();
      }
    } finally {
      await environment.stop();
    }
  });
}
