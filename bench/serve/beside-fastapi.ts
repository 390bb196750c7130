import { median } from '../statistics.ts';
import { type Load, load } from './load.ts';
import { exportSavedModel, promote } from './model.ts';
import { type MeasuredServer, startOurs, startPeer } from './servers.ts';
import { withModel } from './with-model.ts';

export interface ServeRow {
  readonly server: string;
  readonly connections: number;
  /** Median of the turns; so are the others. */
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds of processor time a request, of the server and what it started. */
  readonly processor: number;
  /** Requests of all turns that were not answered with 200. */
  readonly failed: number;
}

const seconds = 4;

/**
 * `/v1/predict` of one photo a request, beside FastAPI and TensorFlow with the same weights: a JPEG of 256x256 for a model of
 * 32x32. Server and client share the machine; the two servers take turns.
 */
export const benchServe = (turns: number): Promise<ServeRow[]> =>
  withModel(async ({ folder, store, storeUrl, train, photo }) => {
    const model = await train(1);
    await promote(store, 'bench', model);
    const [ours, peer] = [
      await startOurs(storeUrl, 'bench'),
      await startPeer(await exportSavedModel(store, model, folder)),
    ];
    const servers: readonly (readonly [string, MeasuredServer])[] = [
      ['contrail serve', ours],
      ['FastAPI, TensorFlow', peer],
    ];
    try {
      const rows: ServeRow[] = [];
      for (const connections of [1, 8, 32]) {
        const loads = new Map<string, Measured[]>(servers.map(([name]) => [name, []]));
        for (let turn = 0; turn < turns; turn++)
          for (const [name, server] of servers) loads.get(name)?.push(await measured(server, photo, connections));
        for (const [server, all] of loads)
          rows.push({
            ...{ server, connections, perSecond: median(all.map(({ perSecond }) => perSecond)) },
            ...{ p50: median(all.map(({ p50 }) => p50)), p99: median(all.map(({ p99 }) => p99)) },
            processor: median(all.map(({ processor }) => processor)),
            failed: all.reduce((sum, each) => sum + failedOf(each), 0),
          });
      }
      return rows;
    } finally {
      await Promise.all([ours.stop(), peer.stop()]);
    }
  });

interface Measured extends Load {
  readonly processor: number;
}

async function measured({ url, processor }: MeasuredServer, photo: string, connections: number): Promise<Measured> {
  const before = processor();
  const seen = await load(`${url}/v1/predict`, photo, { connections, seconds });
  return { ...seen, processor: (1000 * (processor() - before)) / Math.max(1, seen.perSecond * seconds) };
}

const failedOf = ({ statuses, errors }: Load) =>
  errors + Object.entries(statuses).reduce((sum, [status, count]) => sum + (status === '200' ? 0 : count), 0);
