import { z } from 'zod';

/** What the Keras peer answers to each command. */
export const answerSchemas = {
  about: z.strictObject({
    keras: z.string(),
    tensorflow: z.string(),
    numpy: z.string(),
    cpus: z.int(),
    intraOpThreads: z.int().describe('0: as many as TensorFlow chooses'),
    interOpThreads: z.int().describe('0: as many as TensorFlow chooses'),
  }),
  'matmul-peak': z.strictObject({ gflops: z.number() }),
  'open-step': z.strictObject({
    parameters: z.int(),
    compileSeconds: z.number().describe('of the first step, which is traced'),
    flops: z.int().nullable().describe('of the convolutions and matrix products of one step'),
  }),
  'run-steps': z.strictObject({ milliseconds: z.array(z.number()), loss: z.number() }),
  'open-epoch': z.strictObject({ parameters: z.int(), jit: z.boolean().describe('whether the step runs through XLA') }),
  'run-epoch': z.strictObject({
    seconds: z.number(),
    images: z.int().describe('trained on; the last part batch is dropped'),
    loss: z.number(),
  }),
  'peak-memory': z.strictObject({ mebibytes: z.number() }),
  'load-saved-model': z
    .record(z.string(), z.array(z.number()))
    .describe('each output of `serving_default`, flattened, by name'),
  'tensor-digests': z.record(z.string(), z.string()).describe('SHA-256 of the bytes of each tensor, by name'),
  'profile-step': z.strictObject({
    milliseconds: z.array(z.number()).describe('of steps that were not traced'),
    nodes: z.array(
      z.strictObject({
        op: z.string(),
        output: z.string().describe('type and shape of the first output, as TensorFlow allocated it'),
        milliseconds: z.number().describe('in one step, the mean over those that were traced'),
      }),
    ),
  }),
} as const;

export type Answer<Command extends keyof typeof answerSchemas> = z.infer<(typeof answerSchemas)[Command]>;
