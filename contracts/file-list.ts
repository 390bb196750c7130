/**
 * The list that says of every file of a step's data what became of it.
 *
 * Lists of two outputs are never one, since names of outputs have no dash. One of an output and that of another step might be: a pipeline
 * with both is refused.
 *
 * @param output of the step, where it may have several
 */
export const fileList = (step: string, output?: string): string =>
  `${output === undefined ? step : `${step}-${output}`}${ofFiles}`;

/** `<step>-rejected.json`, beside a list: what rejected files show. */
export const rejectedPicturesFile = (list: string): string =>
  list.endsWith(ofFiles) ? `${list.slice(0, -ofFiles.length)}${ofPictures}` : list;

/** The list that pictures of rejected files are beside; null for a file that is none of these. */
export const listOfPictures = (path: string): string | null =>
  path.endsWith(ofPictures) ? fileList(path.slice(0, -ofPictures.length)) : null;

const ofFiles = '-files.tsv';
const ofPictures = '-rejected.json';
