import { existsSync } from 'node:fs';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { visible } from '../contracts/visible-text.ts';
import { findModel, type UsedModel } from '../serving/find-model.ts';
import type { Store } from '../store/index.ts';
import { checkModelName, checkRunId } from './given-names.ts';

type GivenModel = { readonly model: string } | { readonly run: string; readonly step?: string };

/**
 * The model that a command names: a run and perhaps a step of it, or a promoted model by --model.
 *
 * @param what the command needs it for, to be said where nothing or both are named
 * @throws ContrailError Usage
 */
export function namedModel(
  {
    run,
    model,
    step,
  }: { readonly run: string | undefined; readonly model?: string | undefined; readonly step?: string | undefined },
  what: string,
): GivenModel {
  if ((run === undefined) === (model === undefined))
    throw new ContrailError('Usage', `${what}: either a run, or a model with --model.`);
  if (run?.includes('/') && existsSync(run)) throw new ContrailError('Usage', `${what}: ${isFileHere(run)}`);
  if (run !== undefined) return { run: checkRunId(run), ...(step === undefined ? {} : { step }) };
  if (step !== undefined)
    throw new ContrailError('Usage', '--step chooses in a run; a promoted model has one encoder. Leave it out.');
  return { model: checkModelName(model ?? '') };
}

/** The model that is named so. @throws ContrailError Usage that says so where the name is that of a file */
export async function findNamedModel(store: Store, named: GivenModel): Promise<UsedModel> {
  try {
    return await findModel(store, named);
  } catch (error) {
    if (!isContrailError(error) || error.code !== 'Usage' || !('run' in named) || !existsSync(named.run)) throw error;
    throw new ContrailError('Usage', `${error.message} ${isFileHere(named.run)}`, { cause: error });
  }
}

const isFileHere = (name: string) =>
  `${visible(name)} is a file or folder. Before it stands a run, or a model with --model.`;
