import { extname } from 'node:path';
import { times } from '../../contracts/counted.ts';
import { ContrailError, isContrailError } from '../../contracts/errors.ts';
import { csvOf } from '../../contracts/spreadsheet.ts';
import { visibleJson } from '../../contracts/visible-text.ts';
import { type Answer, answerOf } from '../../serving/answers.ts';
import { type RejectedPhoto, showPhotos } from '../../serving/ask.ts';
import { comparedPhotos } from '../../serving/evidence.ts';
import type { UsedModel } from '../../serving/find-model.ts';
import { type Knowing, openKnowing } from '../../serving/open-knowing.ts';
import { photoReader } from '../../serving/photos.ts';
import type { Store } from '../../store/index.ts';
import { openIndex, requireEncoder, type VectorIndex } from '../../vectors/index.ts';
import { fittingTable } from '../fitting-table.ts';
import { tellRejected, withModelAndPhotos } from '../open-model.ts';
import { percent, print, say } from '../output.ts';
import type { PhotoOptions } from '../photo-options.ts';
import { showRowProgress } from '../row-progress.ts';
import { requireFilePlace, writeWhole } from '../write-whole.ts';

export interface PredictOptions extends PhotoOptions {
  readonly top: number;
  readonly csv: boolean;
  readonly json: boolean;
  readonly to?: string;
  readonly replace: boolean;
}

type Predicted = { readonly name: string; readonly answer: Answer };

/** `contrail predict` */
export async function predictCommand(names: readonly string[], options: PredictOptions): Promise<number> {
  const form = formOf(options);
  if (options.to !== undefined) await requireFilePlace(options.to, options);
  const before = async (_: unknown, { name, classifier, index }: UsedModel) => {
    if (!classifier && !index)
      throw new ContrailError(
        'Usage',
        `${name} has neither a classifier nor an index, so nothing names a class. Train a linear-probe on the encoder, or make an index of labelled images.`,
      );
  };
  return withModelAndPhotos(names, options, before, async (opened) => {
    const { store, used, photos, process, signal } = opened;
    const knowing = await openKnowing(store, used.evaluation);
    const index = await indexOf(store, used);
    const found: (Predicted | RejectedPhoto)[] = [];
    const { tell, end } = showRowProgress();
    try {
      const read = photoReader(process.about.encoder);
      const classes = process.about.classifier?.classes ?? [];
      for await (const batch of showPhotos(photos, read, process, signal)) {
        for (const photo of await comparedPhotos({ index, knowing, classes }, batch, 1)) {
          if ('rejected' in photo) found.push(photo);
          else {
            const { name, evidence } = photo;
            const answer = answerOf(evidence, options.top - 1);
            found.push(
              answer ? { name, answer } : { name, rejected: 'is like no image of the index that has a label' },
            );
          }
        }
        tell({ phase: 'Looking at photos', done: found.length, total: photos.length });
      }
    } finally {
      end();
      await Promise.all([index?.close(), knowing.close()]);
    }
    const rejected = found.filter((each): each is RejectedPhoto => 'rejected' in each);
    // It is said where the answers come from, not what the model should have.
    const content = textOf(form, found, { ...used, index: index && used.index }, options.top);
    if (options.to !== undefined) {
      await writeWhole(options.to, content, options);
      say(`${times(found.length - rejected.length, 'prediction')} in ${options.to}`);
    } else if (form === 'table') {
      if (rejected.length < found.length) print(content);
    } else print(content.trimEnd());
    if (form === 'table' && rejected.length < found.length) tellModel(used, found, knowing);
    return tellRejected(rejected, photos.length);
  });
}

/** The index of the model; null where it has none, or files of it are gone. @throws ContrailError CorruptArtifact without a classifier */
async function indexOf(
  store: Store,
  { index: ref, encoder, classifier, name }: UsedModel,
): Promise<VectorIndex | null> {
  if (!ref) return null;
  try {
    const index = await openIndex(store, ref);
    requireEncoder(index.about, encoder, name);
    return index;
  } catch (error) {
    // Without a classifier the index alone names classes.
    if (!classifier || !isContrailError(error) || error.code !== 'CorruptArtifact') throw error;
    say(`${error.message} The classifier answers without this index.`);
    return null;
  }
}

type Form = 'table' | 'csv' | 'json';

function formOf({ csv, json, to }: PredictOptions): Form {
  if (csv && json) throw new ContrailError('Usage', '--csv and --json are two forms. Choose one.');
  if (csv) return 'csv';
  if (json) return 'json';
  if (to === undefined) return 'table';
  const form = { '.csv': 'csv', '.json': 'json' }[extname(to).toLowerCase()];
  if (form === undefined)
    throw new ContrailError('Usage', `Name a file in .csv or .json, or say --csv or --json, for ${to}.`);
  return form as Form;
}

function textOf(form: Form, found: readonly (Predicted | RejectedPhoto)[], used: UsedModel, top: number): string {
  if (form === 'csv') return csvOfAll(found, top);
  if (form === 'json') return `${visibleJson(JSON.stringify(jsonOfAll(found, used)))}\n`;
  return fittingTable(
    ['photo', 'shows', 'confidence', 'or'],
    found.flatMap((each) => {
      if ('rejected' in each) return [];
      const { confidence, others } = each.answer;
      const next = others.map((other) => `${other.label} ${percent(other.confidence)}`).join(', ');
      return [[each.name, shown(each.answer), percent(confidence), next]];
    }),
  );
}

/** An unknown photo has the class that it would be if it had to be one. */
const shown = ({ label, unknown, alike }: Answer): string => (unknown ? `unknown (${alike ?? label}?)` : label);

/** A column of the label and its confidence for each of the labels that were asked for. */
function csvOfAll(found: readonly (Predicted | RejectedPhoto)[], top: number): string {
  const others = Array.from({ length: top - 1 }, (_, at) => at + 2);
  const columns = [
    ...['photo', 'label', 'confidence', 'unknown', 'alike'],
    ...others.flatMap((place) => [`label_${place}`, `confidence_${place}`]),
    'rejected',
  ];
  const rows = found.map((each) => {
    if ('rejected' in each) return [each.name, '', '', '', '', ...others.flatMap(() => ['', '']), each.rejected];
    const { label, confidence, unknown, alike, others: guesses } = each.answer;
    const next = others.flatMap((_, at) => {
      const guess = guesses[at];
      return guess ? [guess.label, guess.confidence.toFixed(4)] : ['', ''];
    });
    const isUnknown = unknown === null ? '' : unknown ? 'yes' : 'no';
    return [each.name, label, confidence.toFixed(4), isUnknown, alike ?? '', ...next, ''];
  });
  return csvOf(columns, rows);
}

function jsonOfAll(
  found: readonly (Predicted | RejectedPhoto)[],
  { name, version, run, encoder, classifier, index }: UsedModel,
) {
  return {
    model: { name, version, run, encoder, classifier, index },
    photos: found.flatMap((each) => ('answer' in each ? [{ name: each.name, ...each.answer }] : [])),
    rejected: found.flatMap((each) => ('rejected' in each ? [{ name: each.name, reason: each.rejected }] : [])),
  };
}

/** What a reader must know of the table: whose answers these are, and how far they can be believed. */
function tellModel(
  { name, version }: UsedModel,
  found: readonly (Predicted | RejectedPhoto)[],
  { lack, calibration }: Knowing,
): void {
  const unknown = found.filter((each) => 'answer' in each && each.answer.unknown).length;
  const [only] = found;
  say(`By ${name}${version === null ? '' : `, version ${version}`}.`);
  if (lack !== null) say(lack);
  if (found.length === 1 && only && 'answer' in only) {
    if (only.answer.unknown !== null) say(`${only.answer.unknown ? 'Unknown' : 'Known'}: ${only.answer.because}.`);
  } else if (unknown > 0) {
    const refusals = calibration?.unknown.refusals;
    const also =
      refusals === undefined ? '' : `; of photos of known classes about ${percent(refusals)} are called so too`;
    say(`${times(unknown, 'photo')} ${unknown === 1 ? 'is' : 'are'} unknown${also}.`);
  }
}
