import { cancellationSignal } from '@temporalio/activity';
import type { z } from 'zod';
import { reportParameters, type reportResult } from '../contracts/kinds/report.ts';
import { writeReportInThread } from '../report/thread/index.ts';
import { reportFolder } from '../store/index.ts';
import { type ActivityContext, withHeartbeat } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Writes the page of the run, as far as the run has come. */
export async function report(context: ActivityContext, input: StepInput) {
  const { parameters, fingerprint, run, step } = stepInputSchema.parse(input);
  const { title, seed } = reportParameters.parse(parameters);
  const { store } = context;
  const { files, headline } = await withHeartbeat((tell) =>
    writeReportInThread(store, run, {
      title,
      seed,
      writtenBy: step,
      onProgress: (phase) => tell({ phase }),
      signal: cancellationSignal(),
    }),
  );
  const { top1, knn, restarts } = headline;
  const result: z.infer<typeof reportResult> = {
    page: `${reportFolder(run)}/report.html`,
    files,
    top1,
    knn,
    restarts,
  };
  return finishStep(context, { run, step, fingerprint }, result);
}
