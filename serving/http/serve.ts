import type { Store } from '../../store/index.ts';
import type { NamedModel, UsedModel } from '../find-model.ts';
import { createAdmission } from './admission.ts';
import { follow } from './follow.ts';
import { createGuard, type GuardOptions } from './guard.ts';
import { defaultLimits, type ServeLimits } from './limits.ts';
import { createMetrics } from './metrics.ts';
import type { ServerState } from './parts.ts';
import { createOpener, type Served, type ServedOptions } from './served.ts';
import { type HttpServerOptions, startHttpServer } from './server.ts';
import { sourceOf } from './source.ts';
import { createTrainingImages } from './training-images.ts';

export interface ServeOptions extends GuardOptions, Pick<HttpServerOptions, 'port' | 'tls' | 'trustedProxies'> {
  readonly store: Store;
  readonly storeUrl: string;
  readonly named: NamedModel;
  /** Of the process of TensorFlow. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits?: Partial<ServeLimits>;
  readonly indexOfTraining?: ServedOptions['indexOfTraining'];
  /** Whether a model without an index finds look-alikes among the images that it was trained on. @default true */
  readonly usesTrainingImages?: boolean;
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
  const { store, storeUrl, named, environment, log, usesTrainingImages = true } = options;
  const indexOfTraining = usesTrainingImages ? options.indexOfTraining : undefined;
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
    ...(indexOfTraining ? { indexOfTraining } : {}),
    onComputed: metrics.computed,
    onRestart: metrics.restarted,
  });
  let onMade = () => {};
  const training = createTrainingImages({
    ...{ store, storeUrl, environment, log, make: indexOfTraining },
    onEnd: () => onMade(),
  });
  const { mark, find, lacks } = sourceOf(store, named, usesTrainingImages ? training : null);
  // Nothing else computes while it is measured what a batch takes.
  const { used, trainingIndex } = await find({ begins: false });
  // Without its index it still names classes and embeds.
  const first = await open(used, { mayLackIndex: true, trainingIndex });
  metrics.serving(first.by);
  const followed = follow({
    ...{ first, mark, find, open, log, pollMs: limits.pollMs },
    onSwap: ({ by }) => metrics.serving(by),
    onFailed: metrics.swapFailed,
  });
  served = followed.current;
  onMade = () => void followed.look();
  const close = async () => {
    onMade = () => {};
    await training.close();
    await followed.close();
  };
  try {
    const guard = createGuard({ ...options, allowOption: '--allow-host' });
    const server = await startHttpServer({
      ...options,
      ...{ guard, limits, followed, admission, metrics, state, lacks },
    });
    return {
      port: server.port,
      used,
      look: followed.look,
      close: async () => {
        await server.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
