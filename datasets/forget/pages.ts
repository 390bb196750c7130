import { listFiles, reportFolder, type Store, tensorboardFolder } from '../../store/index.ts';

/** Tables and numbers of steps, which hold no picture. */
const isTable = (name: string) => /\.(tsv|csv|md|json)$/.test(name) && !/^(report|compare)\.json$/.test(name);
/** What is written of each epoch: curves and settings. */
const isCurve = (name: string) => /\.(begin|epoch|finish)[^/]*$/.test(name);

/** The pages, drawings and pictures of a run: `contrail report` makes those of the report anew. */
export async function pagesOf(store: Store, run: string): Promise<readonly string[]> {
  const below = async (folder: string, isKept: (name: string) => boolean) =>
    (await listFiles(store, folder)).flatMap(({ path }) => (isKept(path.slice(folder.length + 1)) ? [] : [path]));
  return [...(await below(reportFolder(run), isTable)), ...(await below(tensorboardFolder(run), isCurve))];
}
