import { type JobInput, type JobKindName, trainerJobs } from '../contracts/trainer.ts';
import { type ActivityContext, runOnceInTrainer } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { writeStepReport } from './step-report.ts';
import { finishStep } from './step-result.ts';

/** Runs a step's job in a trainer, and puts what it measured, where it did, into the run's report folder. */
export const trainerStep =
  <K extends JobKindName>(uses: K) =>
  async (context: ActivityContext, input: StepInput) => {
    const { parameters, inputs, fingerprint, run, step } = stepInputSchema.parse(input);
    const job = trainerJobs[uses].input.parse({ run, step, ...inputs, parameters }) as JobInput<K>;
    const result = await runOnceInTrainer(context, uses, job);
    await writeStepReport(context.store, { run, step }, uses, result);
    return finishStep(context, { run, step, fingerprint }, result);
  };
