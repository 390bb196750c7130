import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { z } from 'zod';

/** It comes without types; what it says is checked. */
const autocannon = createRequire(import.meta.url)('autocannon') as (options: object) => PromiseLike<unknown>;

const resultSchema = z.object({
  requests: z.object({ average: z.number(), total: z.int() }),
  latency: z.object({ p50: z.number(), p99: z.number() }),
  errors: z.int(),
  timeouts: z.int(),
  statusCodeStats: z.record(z.string(), z.object({ count: z.int() })),
});

/** What a client saw of a server under load. */
export interface Load {
  /** Requests a second that were answered with 200. */
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Answers by their status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Connections that broke, and requests without an answer. */
  readonly errors: number;
}

/** Asks by so many connections at once, each again as soon as it is answered. */
export async function load(
  url: string,
  photo: string,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<Load> {
  const said = await autocannon({
    ...{ url, connections, duration: seconds, timeout: 30, method: 'POST', body: await readFile(photo) },
    headers: { 'content-type': 'image/jpeg' },
  });
  const { latency, errors, timeouts, statusCodeStats } = resultSchema.parse(said);
  const statuses = Object.fromEntries(Object.entries(statusCodeStats).map(([status, { count }]) => [status, count]));
  return {
    ...{ perSecond: (statuses['200'] ?? 0) / seconds, p50: latency.p50, p99: latency.p99 },
    ...{ statuses, errors: errors + timeouts },
  };
}
