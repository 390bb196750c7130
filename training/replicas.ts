import { recording } from './capture/index.ts';

/** How many parts of a batch pass through the network beside each other, and where. */
export interface Replicas {
  readonly count: number;
  /** TensorFlow's name of the device of each, `/device:GPU:1`; empty where all are on the one that TensorFlow chooses. */
  readonly devices: readonly string[];
}

/** One part at a time, on one device. */
export const oneReplica: Replicas = { count: 1, devices: [] };

/**
 * Computes something on the device of a replica. What it reads of variables is copied there.
 *
 * @param at from 0
 */
export function onReplica<T>({ devices }: Replicas, at: number, work: () => T): T {
  const device = devices[at];
  const graph = recording();
  if (device === undefined || !graph) return work();
  let result: { readonly of: T } | undefined;
  graph.onDevice(device, () => {
    result = { of: work() };
  });
  return (result as unknown as { readonly of: T }).of;
}
