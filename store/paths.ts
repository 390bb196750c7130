import type { ArtifactRef } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';

/** Part of the name of a file that is being written; listings leave such files out. */
export const temporaryMark = '.tmp-';

/** Where preparations of data sets leave images for later ones. */
export const preparationsFolder = 'preparations';

/** Where embeddings of images lie until they are gathered, and where they are then. */
export const embeddedFolder = 'embedded';

/** What names every file of an artifact. */
export const manifestFile = 'manifest.json';

/** The folder of an artifact in the store. */
export const artifactFolder = ({ kind, digest }: ArtifactRef): string => `artifacts/${kind}/${digest}`;

/** The file of an artifact's folder that says which of its files were removed for good. */
export const emptiedMark = 'forgotten.json';

/** Where collections of garbage say what they are about to remove. */
export const collectingFolder = 'collecting';

/** Where files lie that have no name yet. */
export const stagingFolder = 'staging';

/**
 * Checks that a path stays inside the store.
 *
 * @throws ContrailError InvalidInput for an absolute path, an empty name, `.` or `..`, a backslash, a control character,
 * or a name that is kept for temporary files
 */
export function checkedPath(path: string): string {
  if (path.split('/').every(isPlainName)) return path;
  throw new ContrailError(
    'InvalidInput',
    `${JSON.stringify(path)} is not a path inside the store: it must be names joined by "/", with no "..", no backslash, and no leading or trailing "/".`,
  );
}

const isPlainName = (name: string) =>
  name !== '' &&
  name !== '.' &&
  name !== '..' &&
  !name.includes(temporaryMark) &&
  ![...name].some((character) => character < ' ' || character === '\\' || character === '\u007f');
