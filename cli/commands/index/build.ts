import { ContrailError, isContrailError } from '../../../contracts/errors.ts';
import { indexAgain } from '../../../contracts/index-again.ts';
import { type IndexSettings, indexSettingsSchema } from '../../../contracts/vector-index.ts';
import { vectorsAboutSchema } from '../../../contracts/vectors.ts';
import { openHome } from '../../../home/home.ts';
import { currentVersion } from '../../../serving/find-model.ts';
import { openStore, readAbout } from '../../../store/index.ts';
import { changeIndexOf, checkPrefix } from '../../change-index.ts';
import { vectorsOfRun } from '../../vectors-of-run.ts';

export interface BuildOptions extends Partial<IndexSettings> {
  readonly from?: string;
  readonly threads?: number;
  readonly prefix?: string;
  readonly json: boolean;
}

/** `contrail index build`: a new index for the current version of a model. */
export async function indexBuildCommand(
  model: string,
  { from, threads, prefix, json, ...settings }: BuildOptions,
): Promise<number> {
  checkSettings(settings);
  checkPrefix(prefix);
  const store = openStore(openHome().storeUrl);
  const current = await currentVersion(store, model);
  const vectors = await vectorsOfRun(store, from ?? current.run).catch((error: unknown) => {
    if (from !== undefined || !isContrailError(error) || error.code !== 'Usage') throw error;
    throw new ContrailError('Usage', `${error.message} To index images of your own, ${indexAgain(model)}.`, {
      cause: error,
    });
  });
  const { encoder } = await readAbout(store, vectors, vectorsAboutSchema);
  if (encoder.digest !== current.encoder.digest)
    throw new ContrailError(
      'Usage',
      `${from ?? current.run} embedded with the encoder ${encoder.digest.slice(0, 12)}, and ${model} has ${current.encoder.digest.slice(0, 12)}. Embed the images with ${model}.`,
    );
  return changeIndexOf(store, current, () => ({ do: 'build', vectors, settings, prefix }), { threads, json });
}

/** Bounds that options alone do not have. @throws ContrailError Usage */
function checkSettings(settings: Partial<IndexSettings>): void {
  const issue = indexSettingsSchema.safeParse(settings).error?.issues[0];
  if (!issue) return;
  const option = String(issue.path[0]).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new ContrailError('Usage', `--${option}: ${issue.message}.`);
}
