import { count, times } from '../../../contracts/counted.ts';
import { indexAgain } from '../../../contracts/index-again.ts';
import { formatBytes } from '../../../contracts/limits.ts';
import { indexAboutSchema } from '../../../contracts/vector-index.ts';
import type { VectorRow } from '../../../contracts/vectors.ts';
import { visible } from '../../../contracts/visible-text.ts';
import { openHome } from '../../../home/home.ts';
import { currentVersion } from '../../../serving/find-model.ts';
import {
  emptiedAt,
  loadVersions,
  openStore,
  readAbout,
  readArtifact,
  type Store,
  unlessDamaged,
} from '../../../store/index.ts';
import { eachRow, labelsOf, type ShardSource } from '../../../vectors/index.ts';
import { indexOf, searchText } from '../../change-index.ts';
import { print, printJson, say } from '../../output.ts';
import { table } from '../../table.ts';
import { forReading } from '../../wrapped.ts';

const shownClasses = 10;

/** `contrail index show`: what is in the index of a model, and where it comes from. */
export async function indexShowCommand(
  model: string,
  { names, json }: { readonly names?: string | true; readonly json: boolean },
): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const current = await currentVersion(store, model);
  const index = indexOf(current);
  const about = await readAbout(store, index, indexAboutSchema);
  if (names !== undefined)
    return showNames(store, { ref: index, shards: about.shards }, names === true ? '' : names, json);
  const emptied = await emptiedAt(store, index);
  const bytes = (await readArtifact(store, index)).files.reduce((sum, file) => sum + file.bytes, 0);
  const classes = [...(await labelsOf(store, index, about))].sort(([, a], [, b]) => b - a);
  const unlabelled = about.count - classes.reduce((sum, [, images]) => sum + images, 0);
  const versions = (await loadVersions(store, model)).filter((version) => version.index);
  if (json) {
    const { shards: _, ...facts } = about;
    const history = versions.map(({ version, index, reason, promotedAt }) => ({ version, index, reason, promotedAt }));
    printJson({
      model,
      version: current.version,
      index,
      bytes,
      emptied,
      ...facts,
      classes: Object.fromEntries(classes),
      history,
    });
    return 0;
  }
  const { encoder, dimension, parent, settings, graph } = about;
  const facts = [
    ['model', `${model}, version ${current.version}`],
    ['index', index.digest],
    ['encoder', encoder.digest],
    ['images', count(about.count)],
    ['dimension', String(dimension)],
    ['search', graph ? `${searchText(about)}, of ${count(about.recall.queries)} queries` : searchText(about)],
    ...(graph
      ? [
          [
            'graph',
            `${settings.quantization}, connectivity ${settings.connectivity}, expansion ${settings.expansionAdd} to add, ${graph.expansionSearch} to search`,
          ],
        ]
      : []),
    ...(graph?.hard === undefined
      ? []
      : [['hard to find', `${times(graph.hard, 'image')}, even by their own embedding: a wider search finds them`]]),
    ['size', formatBytes(bytes)],
    ...(parent
      ? [
          [
            'made of',
            `${parent.digest.slice(0, 12)}: ${count(parent.added)} added, ${count(parent.replaced)} replaced, ${count(parent.removed)} removed`,
          ],
        ]
      : []),
  ];
  print(table(['', ''], facts));
  if (emptied !== null)
    print(
      `\nIt cannot be searched: an image was forgotten on ${emptied.slice(0, 10)} that it held, and files of it were removed. To have look-alikes again, ${indexAgain(model)}.`,
    );
  if (classes.length > 0) {
    print(
      `\nImages of each class${classes.length > shownClasses ? `, the ${shownClasses} largest of ${count(classes.length)}` : ''}:`,
    );
    const others = classes.slice(shownClasses).reduce((sum, [, images]) => sum + images, 0);
    print(
      table(
        ['class', 'images'],
        [
          ...classes.slice(0, shownClasses),
          ...(others > 0 ? [['all other classes', others] as const] : []),
          ...(unlabelled > 0 ? [['without a label', unlabelled] as const] : []),
        ],
      ),
    );
  }
  print('\nIndexes of the model:');
  for (const { version, index: of, reason } of versions.toReversed()) {
    if (!of) continue;
    const then = await unlessDamaged(readAbout(store, of, indexAboutSchema), () => {});
    const images = then ? times(then.count, 'image') : 'its files are gone or damaged';
    print(forReading(`  version ${version}: ${of.digest.slice(0, 12)}, ${images}, ${ofIndex(reason)}`, '    '));
  }
  return 0;
}

/** What the reason for a version of a model says of its index. */
const ofIndex = (reason: string): string =>
  /^back from version /.test(reason) ? reason : (/^index (.*)$/s.exec(reason)?.[1] ?? 'came with the model');

/** A line for each image whose name begins so; what `index remove --name` takes. */
async function showNames(store: Store, source: ShardSource, prefix: string, json: boolean): Promise<number> {
  const found: Pick<VectorRow, 'name' | 'label' | 'group'>[] = [];
  for await (const { row } of eachRow(store, source)) {
    const { name, label, group } = row;
    if (name.startsWith(prefix)) found.push({ name, label, group });
  }
  if (json) printJson(found);
  else if (found.length > 0)
    print(
      table(
        ['name', 'label', 'group'],
        found.map(({ name, label, group }) => [visible(name), label ?? '–', group ?? '–']),
        { whole: ['name'] },
      ),
    );
  else say(`The index has no image${prefix === '' ? '' : ` whose name begins with ${visible(prefix)}`}.`);
  return 0;
}
