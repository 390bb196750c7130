import { times } from '../../../contracts/counted.ts';
import { ContrailError } from '../../../contracts/errors.ts';
import { hubFileOf } from '../../../contracts/initial-weights.ts';
import { formatBytes } from '../../../contracts/limits.ts';
import { openHome } from '../../../home/home.ts';
import {
  encoderText,
  hubSettings,
  readWeightFile,
  recognise,
  refusedSettings,
  unpinnedHubFile,
  type WeightFile,
} from '../../../weights/index.ts';
import { type Exported, exportedBeside } from '../../exported-model.ts';
import { interruptedCode, interruptSignal } from '../../interrupt.ts';
import { print, printJson, say } from '../../output.ts';
import { table } from '../../table.ts';

export interface WeightsShowOptions {
  readonly file?: string;
  readonly tensors: boolean;
  readonly json: boolean;
}

/** A line of progress at most so often. */
const progressEveryMs = 2000;

/** `contrail weights show`: what network a file of weights is of, and what a pipeline has to say to start from it. */
export async function weightsShowCommand(named: string, options: WeightsShowOptions): Promise<number> {
  const signal = interruptSignal();
  try {
    const path = await placeOf(named, options, signal);
    const file = await readWeightFile(path, named, () => [], { signal });
    const exported = exportedBeside(path);
    if (options.json) printJson({ ...described(named, path, file, options), ...exported });
    else tell(named, file, exported, options);
    return 0;
  } catch (error) {
    if (!signal.aborted) throw error;
    say('Stopped; nothing was kept.');
    return interruptedCode;
  }
}

/** The file on this machine; one of the hub is fetched. */
async function placeOf(named: string, { file }: WeightsShowOptions, signal: AbortSignal): Promise<string> {
  if (!named.startsWith('hf:')) {
    if (file !== undefined)
      throw new ContrailError('Usage', '--file is of a repository: it goes with hf:org/name@revision.');
    return named;
  }
  const wanted = hubFileOf({ from: named, file });
  if (!wanted)
    throw new ContrailError(
      'Usage',
      `${named}${file === undefined ? '' : ` with --file ${file}`} names no file of the hub. Write hf:org/name@revision, as in hf:timm/convnext_tiny.in12k@main.`,
    );
  let shownAt = Date.now();
  return unpinnedHubFile(wanted, named, {
    settings: hubSettings(process.env),
    cacheFolder: openHome().cacheFolder,
    signal,
    onProgress: (done, total) => {
      if (Date.now() - shownAt < progressEveryMs) return;
      shownAt = Date.now();
      say(`fetching ${wanted.file}: ${formatBytes(done)}${total === null ? '' : ` of ${formatBytes(total)}`}`);
    },
  });
}

const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

function described(
  named: string,
  path: string,
  { bytes, sha256, header }: WeightFile,
  { tensors }: WeightsShowOptions,
) {
  const all = [...header.tensors.values()];
  const types: Record<string, number> = {};
  for (const { dtype } of all) types[dtype] = (types[dtype] ?? 0) + 1;
  return {
    file: named,
    path,
    bytes,
    sha256,
    tensors: all.length,
    types,
    numbers: all.reduce((sum, { shape }) => sum + count(shape), 0),
    looksLike: recognise(header.tensors),
    ...(tensors ? { all: all.map(({ name, dtype, shape }) => ({ name, dtype, shape })) } : {}),
  };
}

function tell(named: string, file: WeightFile, exported: Exported, options: WeightsShowOptions): void {
  const { bytes, sha256, tensors, types, numbers, looksLike, all } = described(named, '', file, options);
  const typesText = Object.entries(types).map(([type, times]) => (times === tensors ? type : `${times} ${type}`));
  print(
    `${named}: ${formatBytes(bytes)}, ${times(tensors, 'tensor')} (${typesText.join(', ')}), ${numbers.toLocaleString('en')} numbers`,
  );
  if (exported.unreadable !== undefined) print(`The model.json beside it cannot be read: ${exported.unreadable}.`);
  const refused = looksLike ? refusedSettings(looksLike) : [];
  const whose = looksLike?.names === 'contrail' ? 'Contrail' : looksLike?.names;
  const source = named.startsWith('hf:')
    ? `from: ${JSON.stringify(named)}${options.file === undefined ? '' : `, file: ${options.file}`}`
    : `path: ${JSON.stringify(named)}`;
  const weights = `{ ${source}, sha256: ${sha256}${looksLike ? `, names: ${looksLike.names}` : ''} }`;
  if (looksLike?.adapter) {
    print(
      `It is an encoder with an adapter (a ${looksLike.encoder}, by the names of ${whose}): a layer that was trained on its embeddings. No training starts from the two, and load-encoder does not take them. Export the encoder that the adapter was put on by \`contrail export <run> --step <its step>\`, and put an adapter on that by the steps embed and adapt.`,
    );
  } else if (looksLike && refused.length === 0) {
    const sameFile = exported.encoder?.name === looksLike.encoder;
    const encoder = sameFile && exported.text !== undefined ? exported.text : encoderText(looksLike);
    const normalise = (sameFile ? exported.normalise : undefined) ?? 'imagenet';
    print(`It looks like a ${looksLike.encoder}, by the names of ${whose}. A training starts from it by`);
    printLines([`encoder: ${encoder}`, `initialWeights: ${weights}`, `normalise: ${normalise}`]);
    print('and a step that uses load-encoder takes it as it is by');
    printLines([`encoder: ${encoder}`, `weights: ${weights}`, `normalise: ${normalise}`]);
    print(
      sameFile
        ? 'Settings and normalisation are those of the model.json beside it.'
        : 'No file of weights says how pixels were normalised. Most weights trained on ImageNet want imagenet, google/vit-* and others half; see the page of the model.',
    );
  } else {
    print(
      looksLike
        ? `It looks like a ${looksLike.encoder}, by the names of ${whose}, of settings that Contrail does not have (${refused.join(', ')}). As initial weights it would be named by`
        : 'It looks like no encoder that Contrail knows. As initial weights it would be named by',
    );
    printLines([`initialWeights: ${weights}`]);
  }
  if (!all) return;
  print('');
  print(
    table(
      ['tensor', 'type', 'shape'],
      all.map(({ name, dtype, shape }) => [name, dtype, shape.join(' x ')]),
    ),
  );
}

/** Lines to copy into `with`. */
function printLines(lines: readonly string[]): void {
  print('');
  for (const line of lines) print(`    ${line}`);
  print('');
}
