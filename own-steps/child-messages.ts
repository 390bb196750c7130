import { z } from 'zod';
import { ownKindSchema } from '../contracts/own-kind.ts';

/** What the process of a step is told, in a file that only it and its worker read. */
export const childTaskSchema = z.strictObject({
  /** The step's file. */
  file: z.string(),
  /** Where it answers. */
  answer: z.string(),
  /** Absent where it only says what it is. */
  run: z
    .strictObject({
      run: z.string(),
      step: z.string(),
      attempt: z.int(),
      parameters: z.record(z.string(), z.json()),
      inputs: z.record(z.string(), z.string()),
      outputs: z.record(z.string(), z.string()),
      progress: z.string(),
      state: z.json(),
      /** States that it keeps: `<checkpoints>-1`, `-2` …, each answered by a file with `.kept` behind its name. */
      checkpoints: z.string(),
    })
    .optional(),
});
export type ChildTask = z.infer<typeof childTaskSchema>;

const describedSchema = ownKindSchema.omit({ file: true }).extend({ sources: z.array(z.string()).max(100) });
export type Described = z.infer<typeof describedSchema>;

const failureSchema = z.strictObject({
  code: z.enum(['ProgramFailed', 'ProgramRefused', 'InvalidInput', 'InvalidResult']),
  message: z.string(),
});

/** What it answers. */
export const childAnswerSchema = z.union([
  z.strictObject({ described: describedSchema }),
  z.strictObject({ result: z.record(z.string(), z.json()) }),
  z.strictObject({ failure: failureSchema }),
]);
