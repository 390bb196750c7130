import { markOfVersions, type Store } from '../../store/index.ts';
import { findModel, type NamedModel, type UsedModel } from '../find-model.ts';
import { createAdmission } from './admission.ts';
import { follow } from './follow.ts';
import { createGuard, type GuardOptions } from './guard.ts';
import { defaultLimits, type ServeLimits } from './limits.ts';
import { createMetrics } from './metrics.ts';
import type { ServerState } from './parts.ts';
import { createOpener, type Served, type ServedOptions } from './served.ts';
import { type HttpServerOptions, startHttpServer } from './server.ts';

export interface ServeOptions extends GuardOptions, Pick<HttpServerOptions, 'port' | 'tls' | 'trustedProxies'> {
  readonly store: Store;
  readonly storeUrl: string;
  readonly named: NamedModel;
  /** Of the process of TensorFlow. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits?: Partial<ServeLimits>;
  readonly indexOfTraining?: ServedOptions['indexOfTraining'];
  readonly log: (line: string) => void;
}

/** A model as a server. */
export interface Serving {
  readonly port: number;
  readonly used: UsedModel;
  /** Looks at the log of the model at once, not at the next turn. */
  readonly look: () => Promise<void>;
  /** Lets requests finish, and ends the process of TensorFlow. */
  readonly close: () => Promise<void>;
}

/**
 * Opens a model and answers requests with it; a promoted one is followed.
 *
 * @throws ContrailError Usage where there is no such model; what opening it throws; what Node says of a port that cannot be had
 */
export async function serveModel(options: ServeOptions): Promise<Serving> {
  const { store, storeUrl, named, environment, log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const state: ServerState = { draining: false };
  const admission = createAdmission(limits);
  // The counts begin before there is anything to count, so they ask for what is served when they are read.
  let served: (() => Served) | undefined;
  const metrics = createMetrics({
    waiting: () => served?.().batcher.waiting() ?? 0,
    requests: () => admission.now().requests,
    images: () => admission.now().images,
    ready: () => !state.draining && served?.().problem() === null,
    searchable: () => Boolean(served?.().index.now()),
  });
  const open = createOpener({
    ...{ store, storeUrl, environment, limits, log },
    ...(options.indexOfTraining ? { indexOfTraining: options.indexOfTraining } : {}),
    onComputed: metrics.computed,
    onRestart: metrics.restarted,
  });
  const { mark, find } = sourceOf(store, named);
  const used = await find();
  // Without its index it still names classes and embeds.
  const first = await open(used, { mayLackIndex: true });
  metrics.serving(first.by);
  const followed = follow({
    ...{ first, mark, find, open, log, pollMs: limits.pollMs },
    onSwap: ({ by }) => metrics.serving(by),
    onFailed: metrics.swapFailed,
  });
  served = followed.current;
  try {
    const guard = createGuard({ ...options, allowOption: '--allow-host' });
    const server = await startHttpServer({ ...options, ...{ guard, limits, followed, admission, metrics, state } });
    return {
      port: server.port,
      used,
      look: followed.look,
      close: async () => {
        await server.close();
        await followed.close();
      },
    };
  } catch (error) {
    await followed.close();
    throw error;
  }
}

/** Where the model comes from, and how it is seen that it is another one. */
function sourceOf(store: Store, named: NamedModel) {
  const find = () => findModel(store, named);
  return { find, mark: 'model' in named ? () => markOfVersions(store, named.model) : null };
}
