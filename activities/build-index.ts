import { cancellationSignal, log } from '@temporalio/activity';
import type { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import { otherFilesText, sameNameText, unusableText } from '../contracts/index-change-text.ts';
import { buildIndexParameters, type buildIndexResult } from '../contracts/kinds/build-index.ts';
import { type IndexAbout, type IndexSettings, indexAboutSchema } from '../contracts/vector-index.ts';
import { readAbout } from '../store/index.ts';
import { buildPhaseTexts, runIndexJob } from '../vectors/index.ts';
import { type ActivityContext, withHeartbeat } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep } from './step-result.ts';

/** Builds an index of embedded images, or adds them to one, in a process of its own. */
export async function buildIndex(context: ActivityContext, input: StepInput) {
  const { parameters, inputs, fingerprint, run, step } = stepInputSchema.parse(input);
  const { threads, ...settings } = buildIndexParameters.parse(parameters);
  const { vectors, index: before } = inputs;
  if (!vectors) throw new Error('a build-index step takes vectors');
  const { store } = context;
  if (before) requireSettings(await readAbout(store, before, indexAboutSchema), settings);
  const { index, added, replaced, unchanged, otherFiles, sameName, unusable } = await withHeartbeat((tell) =>
    runIndexJob(store, before ? { do: 'add', index: before, vectors } : { do: 'build', vectors, settings }, {
      threads,
      onProgress: ({ phase, done, total }) => tell({ phase: buildPhaseTexts[phase], done, total, unit: 'images' }),
      signal: cancellationSignal(),
    }),
  );
  if (unusable.count > 0) log.warn(unusableText(unusable), { run, step });
  if (sameName.count > 0) log.warn(sameNameText(sameName), { run, step });
  if (otherFiles.count > 0) log.info(otherFilesText(otherFiles), { run, step });
  const { count, method, recall } = await readAbout(store, index, indexAboutSchema);
  const result: z.infer<typeof buildIndexResult> = {
    index: { ...index, kind: 'index' },
    count,
    method,
    recall: recall.value,
    added,
    replaced,
    unchanged,
  };
  return finishStep(context, { run, step, fingerprint }, result);
}

/** What is added follows the settings of the index: others would do nothing. @throws ContrailError InvalidInput */
function requireSettings({ settings }: IndexAbout, given: Partial<Record<keyof IndexSettings, unknown>>): void {
  for (const [name, value] of Object.entries(given))
    if (value !== undefined && value !== settings[name as keyof IndexSettings])
      throw new ContrailError(
        'InvalidInput',
        `The index was built with ${name}: ${settings[name as keyof IndexSettings]}, and what is added to it follows that. Leave ${name} out, or build an index without \`index\`.`,
      );
}
