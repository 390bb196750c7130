import { z } from 'zod';

export const storeKinds = ['folder', 's3'] as const;
export type StoreKind = (typeof storeKinds)[number];
/** What is disturbed, and how often each is drawn beside the others. */
export const workloadWeights = { small: 4, photos: 2, sweep: 2, embedding: 2, serving: 2 } as const;
export type WorkloadName = keyof typeof workloadWeights;
export const workloadNames = Object.keys(workloadWeights) as readonly WorkloadName[];

/** What a process that disturbs one world is to do. */
export const orderSchema = z.strictObject({
  world: z.int().min(0),
  kind: z.enum(storeKinds),
  seed: z.int(),
  faults: z.int().positive(),
  /** Names of workloads; all where there is none. */
  workloads: z.array(z.enum(workloadNames)).readonly(),
  /** No run is begun after this moment, in milliseconds of the clock. */
  until: z.number().nullable(),
});
export type Order = z.infer<typeof orderSchema>;

const struckSchema = z.strictObject({ fault: z.string(), what: z.string() }).readonly();

const runSchema = z.strictObject({
  is: z.literal('run'),
  run: z.string(),
  workload: z.string(),
  struck: z.array(struckSchema).readonly(),
  stops: z.array(z.string()).readonly(),
  lost: z.array(z.string()).readonly(),
  seconds: z.number(),
});

/** What it says, a line of JSON each. */
export const saidSchema = z.discriminatedUnion('is', [
  runSchema,
  z.strictObject({
    is: z.literal('world'),
    world: z.int(),
    kind: z.enum(storeKinds),
    /** Damage that nobody made, processes and files that were left, files that a collection leaves. */
    left: z.array(z.string()).readonly(),
  }),
]);
export type Said = z.infer<typeof saidSchema>;
export type RunSaid = z.infer<typeof runSchema>;
