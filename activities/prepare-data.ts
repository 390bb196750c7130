import { join } from 'node:path';
import { cancellationSignal, log } from '@temporalio/activity';
import type { z } from 'zod';
import { splitCountsOf, treePathSchema } from '../contracts/artifacts.ts';
import { times } from '../contracts/counted.ts';
import { dataLines } from '../contracts/data-account.ts';
import { ContrailError } from '../contracts/errors.ts';
import { fileList } from '../contracts/file-list.ts';
import type { Json } from '../contracts/json.ts';
import {
  type PrepareDataParameters,
  prepareDataParameters,
  type prepareDataResult,
} from '../contracts/kinds/prepare-data.ts';
import { prepareDataset } from '../datasets/index.ts';
import { withUnpacked } from '../own-steps/index.ts';
import { reportFolder, saveRejectedPictures, writeReportFile } from '../store/index.ts';
import { type ActivityContext, withHeartbeat } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Prepares a data set and stores it. */
export async function prepareData(context: ActivityContext, input: StepInput) {
  const { parameters, ...step } = stepInputSchema.parse(input);
  const list = fileList(step.step);
  const parsed = prepareDataParameters.parse(parameters);
  const { from, ...wanted } = parsed;
  const within = from ? pathWithin(wanted) : '';
  const prepare = (path: string | undefined, report: (details: Json) => void) =>
    prepareDataset(context.store, path === undefined ? wanted : { ...wanted, path }, {
      cacheFolder: context.cacheFolder,
      signal: cancellationSignal(),
      keepList: async (lines) => {
        await writeReportFile(context.store, step.run, list, lines);
        return context.store.locate(`${reportFolder(step.run)}/${list}`);
      },
      keepPictures: (pictures) => saveRejectedPictures(context.store, `${reportFolder(step.run)}/${list}`, pictures),
      onProgress: ({ phase, done, total }) => report({ phase, done, total, unit: 'images' }),
    });
  const { ref, about, summary, reused } = await withHeartbeat((report) =>
    from
      ? withUnpacked(context, from, cancellationSignal(), (path) => prepare(join(path, within), report))
      : prepare(wanted.path, report),
  );
  const result: z.infer<typeof prepareDataResult> = {
    dataset: { kind: 'dataset', digest: ref.digest },
    name: about.name,
    classes: about.classes.length,
    ...(about.trainedClasses === undefined ? {} : { trainedClasses: about.trainedClasses }),
    counts: splitCountsOf(about),
    rejected: about.rejected.length,
    ...summary,
    ...(summary.list === undefined ? {} : { list: `${reportFolder(step.run)}/${list}` }),
  };
  const said = dataLines(
    { id: step.step, uses: 'prepare-data', result: JSON.parse(JSON.stringify(result)) },
    step.run,
    context.store.locate,
  );
  for (const line of said) log.info(line, { run: step.run, step: step.step });
  if (reused > 0)
    log.info(
      `${times(reused, 'image')} ${reused === 1 ? 'was' : 'were'} prepared before, and ${reused === 1 ? 'is' : 'are'} taken over.`,
      { run: step.run, step: step.step },
    );
  return finishStep(context, step, result, { cache: !mayChange(parsed) });
}

/**
 * What is read of a folder that an earlier step made: of a table its file, else all of it.
 *
 * @throws ContrailError InvalidInput
 */
function pathWithin({ dataset, path }: PrepareDataParameters): string {
  if (path === undefined) return '';
  if (dataset !== 'table')
    throw new ContrailError(
      'InvalidInput',
      'prepare-data has both `path` and `from`; each names the folder, so give one.',
    );
  const within = treePathSchema.safeParse(path);
  if (within.success) return within.data;
  throw new ContrailError(
    'InvalidInput',
    `With \`from\`, \`path\` is the table in the folder that it gives; ${path} is none.`,
  );
}

/** Whether the same parameters may give something else later: what lies in a folder may change while its name stays. */
const mayChange = ({ path, from, relabels, allowUrls }: PrepareDataParameters): boolean =>
  (path !== undefined && from === undefined) || relabels !== undefined || allowUrls === true;
