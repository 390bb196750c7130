import { defineStep, z } from 'contrail/define';

/** Of each search the recall of each seed. */
const recalls = z.array(z.array(z.number()).min(1)).min(1);

/** By how much the trained encoder leads, over several searches and several seeds. */
export default defineStep({
  description: 'Compare the recalls of a trained encoder with those of an untrained one and of pixels',
  with: z.object({
    trained: recalls,
    untrained: recalls,
    pixels: z.array(z.number()).min(1).describe('of each search; they have no seed'),
  }),
  result: z.object({
    trained: z.number().describe('mean recall at 1 over the searches and the seeds'),
    untrained: z.number(),
    pixels: z.number(),
    overUntrained: z
      .number()
      .describe('lead of the trained encoder over the untrained one of the same seed, of the seed with the smallest'),
    overPixels: z.number().describe('lead over pixels, of the seed with the smallest'),
  }),
  run: ({ parameters }) => {
    const trained = bySeed(parameters.trained);
    const untrained = bySeed(parameters.untrained);
    const pixels = mean(parameters.pixels);
    return {
      trained: mean(trained),
      untrained: mean(untrained),
      pixels,
      overUntrained: Math.min(...trained.map((recall, seed) => recall - (untrained[seed] as number))),
      overPixels: Math.min(...trained.map((recall) => recall - pixels)),
    };
  },
});

/** The mean over the searches, of each seed. */
const bySeed = ([first = [], ...others]: z.infer<typeof recalls>): number[] =>
  first.map((recall, seed) => mean([recall, ...others.map((each) => each[seed] as number)]));

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
