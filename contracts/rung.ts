import type { Json } from './json.ts';

/**
 * What the fingerprint of a training has besides its parameters where it stops at a rung of a sweep. One that goes to its end has nothing: it
 * is the same as a training that never stopped.
 */
export const stopsAt = (until: number | undefined, { epochs }: { readonly [key: string]: Json }): { until?: number } =>
  until !== undefined && until < Number(epochs) ? { until } : {};
