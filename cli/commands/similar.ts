import { times } from '../../contracts/counted.ts';
import type { VectorRow } from '../../contracts/vectors.ts';
import { visible } from '../../contracts/visible-text.ts';
import { smallPicture } from '../../datasets/index.ts';
import { familiarity } from '../../serving/answers.ts';
import { type RejectedPhoto, showPhotos } from '../../serving/ask.ts';
import { comparedPhotos } from '../../serving/evidence.ts';
import type { UsedModel } from '../../serving/find-model.ts';
import { type Knowing, openKnowing } from '../../serving/open-knowing.ts';
import { photoReader } from '../../serving/photos.ts';
import type { ModelProcess } from '../../serving/process/model-process.ts';
import { knownDataset } from '../../serving/training-index.ts';
import type { Store } from '../../store/index.ts';
import { openIndex, requireEncoder, type VectorIndex } from '../../vectors/index.ts';
import { fittingTable } from '../fitting-table.ts';
import { type ModelAndPhotos, tellRejected, withModelAndPhotos } from '../open-model.ts';
import { print, printJson, say } from '../output.ts';
import type { PhotoOptions } from '../photo-options.ts';
import { showRowProgress } from '../row-progress.ts';
import { type FoundLookAlike, mostOnPage, type PhotoWithLookAlikes, similarPage } from '../similar-page.ts';
import { trainingIndex } from '../training-index.ts';
import { requireFilePlace, writeWhole } from '../write-whole.ts';

export interface SimilarOptions extends PhotoOptions {
  readonly k: number;
  readonly to?: string;
  readonly replace: boolean;
  readonly json: boolean;
}

/** `contrail similar` */
export async function similarCommand(names: readonly string[], options: SimilarOptions): Promise<number> {
  if (options.to !== undefined) await requireFilePlace(options.to, options);
  const before = async (store: Store, used: UsedModel) => {
    if (!used.index) await knownDataset(store, used);
  };
  return withModelAndPhotos(names, options, before, async (opened) => {
    const ref = opened.used.index ?? (await trainingIndex(opened));
    const index = await openIndex(opened.store, ref);
    const knowing = await openKnowing(opened.store, opened.used.evaluation);
    try {
      requireEncoder(index.about, opened.used.encoder, opened.used.name);
      return await search(opened, { index, knowing }, options);
    } finally {
      await Promise.all([index.close(), knowing.close()]);
    }
  });
}

type Found = PhotoWithLookAlikes | RejectedPhoto;

async function search(
  { used, photos, process, signal }: ModelAndPhotos,
  { index, knowing }: { readonly index: VectorIndex; readonly knowing: Knowing },
  { k, to, replace, json }: SimilarOptions,
): Promise<number> {
  const by = { index, knowing, classes: process.about.classifier?.classes ?? [] };
  const { tell: tellProgress, end } = showRowProgress();
  const found: Found[] = [];
  let pictured = 0;
  try {
    for await (const batch of showPhotos(photos, photoReader(process.about.encoder), process, signal)) {
      for (const photo of await comparedPhotos(by, batch, k)) {
        if ('rejected' in photo) {
          found.push(photo);
          continue;
        }
        const { name, pixels, evidence, hits } = photo;
        const isShown = to !== undefined && pictured++ < mostOnPage;
        const lookAlikes = await Promise.all(
          hits.map(
            async ({ row, score }): Promise<FoundLookAlike> => ({
              score,
              ...labelled(await index.row(row)),
              picture: isShown ? await index.picture(row) : null,
            }),
          ),
        );
        const { unknown, because } = familiarity(evidence);
        found.push({ name, unknown, because, lookAlikes, picture: isShown ? await pictureOf(pixels, process) : null });
      }
      tellProgress({ phase: 'Searching', done: found.length, total: photos.length });
    }
  } finally {
    end();
  }
  const shown = found.filter((each): each is PhotoWithLookAlikes => 'lookAlikes' in each);
  const rejected = found.filter((each): each is RejectedPhoto => 'rejected' in each);
  if (to !== undefined) {
    await writeWhole(to, similarPage(used, index.about, shown), { replace });
    say(
      `Look-alikes of ${times(Math.min(shown.length, mostOnPage), 'photo')} in ${to}${shown.length > mostOnPage ? `, the first of ${shown.length}` : ''}`,
    );
  }
  if (json) printJson(jsonOf(used, index, shown, rejected));
  else if (to === undefined) tell(shown);
  return tellRejected(rejected, photos.length);
}

const labelled = ({ name, label, group }: VectorRow) => ({ name, label, group });

const pictureOf = (pixels: Uint8Array, { about }: ModelProcess) =>
  smallPicture({ pixels, side: about.encoder.image.height, channels: about.encoder.image.channels });

function tell(shown: readonly PhotoWithLookAlikes[]): void {
  for (const [at, { name, unknown, because, lookAlikes }] of shown.entries()) {
    if (at > 0) print('');
    print(visible(name));
    if (unknown) print(`unknown: ${because}`);
    print(
      fittingTable(
        ['similarity', 'label', 'image'],
        lookAlikes.map(({ score, label, name: image }) => [score.toFixed(4), label ?? '–', image]),
      ),
    );
  }
}

function jsonOf(
  { name, version, run, encoder }: UsedModel,
  { about }: VectorIndex,
  shown: readonly PhotoWithLookAlikes[],
  rejected: readonly RejectedPhoto[],
) {
  return {
    model: { name, version, run, encoder },
    index: { images: about.count, method: about.method },
    photos: shown.map(({ name: photo, unknown, because, lookAlikes }) => ({
      name: photo,
      unknown,
      because,
      lookAlikes: lookAlikes.map(({ picture: _, ...rest }) => rest),
    })),
    rejected: rejected.map(({ name: photo, rejected: reason }) => ({ name: photo, reason })),
  };
}
