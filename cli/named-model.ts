import { ContrailError } from '../contracts/errors.ts';
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
  if (run !== undefined) return { run: checkRunId(run), ...(step === undefined ? {} : { step }) };
  if (step !== undefined)
    throw new ContrailError('Usage', '--step chooses in a run; a promoted model has one encoder. Leave it out.');
  return { model: checkModelName(model ?? '') };
}
