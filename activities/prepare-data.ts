import { cancellationSignal, log } from '@temporalio/activity';
import type { z } from 'zod';
import { count } from '../contracts/counted.ts';
import { dataLines } from '../contracts/data-account.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import { prepareDataParameters, type prepareDataResult } from '../contracts/kinds/prepare-data.ts';
import { prepareDataset } from '../datasets/index.ts';
import { withUnpacked } from '../own-steps/index.ts';
import { reportFolder, writeReportFile } from '../store/index.ts';
import { type ActivityContext, withHeartbeat } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Prepares a data set and stores it. */
export async function prepareData(context: ActivityContext, input: StepInput) {
  const { parameters, ...step } = stepInputSchema.parse(input);
  const list = `${step.step}-files.tsv`;
  const { from, ...wanted } = prepareDataParameters.parse(parameters);
  if (from && wanted.path !== undefined)
    throw new ContrailError(
      'InvalidInput',
      'prepare-data has both `path` and `from`; each names the folder, so give one.',
    );
  const prepare = (path: string | undefined, report: (details: Json) => void) =>
    prepareDataset(context.store, path === undefined ? wanted : { ...wanted, path }, {
      cacheFolder: context.cacheFolder,
      signal: cancellationSignal(),
      keepList: async (lines) => {
        await writeReportFile(context.store, step.run, list, lines);
        return context.store.locate(`${reportFolder(step.run)}/${list}`);
      },
      onProgress: ({ phase, done, total }) => report({ phase, done, total, unit: 'images' }),
    });
  const { ref, about, summary, reused } = await withHeartbeat((report) =>
    from
      ? withUnpacked(context, from, cancellationSignal(), (path) => prepare(path, report))
      : prepare(wanted.path, report),
  );
  const { train, validation, test } = about.splits;
  const result: z.infer<typeof prepareDataResult> = {
    dataset: { kind: 'dataset', digest: ref.digest },
    name: about.name,
    classes: about.classes.length,
    counts: { train: train.count, validation: validation.count, test: test.count },
    rejected: about.rejected.length,
    ...summary,
    ...(summary.list === undefined ? {} : { list: `${reportFolder(step.run)}/${list}` }),
  };
  const said = dataLines(
    { id: step.step, uses: 'prepare-data', result: JSON.parse(JSON.stringify(result)) },
    context.store.locate,
  );
  for (const line of said) log.info(line, { run: step.run, step: step.step });
  if (reused > 0)
    log.info(`${count(reused)} images were prepared before and are taken over.`, { run: step.run, step: step.step });
  // What lies in a folder may change while its name stays.
  return finishStep(context, step, result, { cache: wanted.path === undefined });
}
