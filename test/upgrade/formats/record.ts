import { canonicalJson } from '../../../contracts/json.ts';
import { type Refusal, refusals } from './accepts.ts';
import { type Shape, shapeOf } from './shape.ts';
import type { Format } from './table.ts';

/** A format as it is on record. */
export interface RecordedFormat {
  readonly version: string | number | null;
  readonly shape: Shape;
  /** For each change since the format was first released: why what was written before can still be read. */
  readonly changes?: readonly string[];
}
export type FormatRecord = { readonly [name: string]: RecordedFormat };

/** A release, and the formats that it had. */
export interface Release {
  readonly name: string;
  readonly formats: FormatRecord;
}

const isSame = (a: Pick<RecordedFormat, 'version' | 'shape'>, b: Pick<RecordedFormat, 'version' | 'shape'>): boolean =>
  canonicalJson([a.version, a.shape]) === canonicalJson([b.version, b.shape]);

/** The formats of the code at hand, as they would be on record. */
export const present = (formats: readonly Format[]): FormatRecord =>
  Object.fromEntries(formats.map(({ name, schema, version }) => [name, { version, shape: shapeOf(schema, name) }]));

/** The names of formats that are not as they are on record: changed, new or gone. */
export const unrecorded = (now: FormatRecord, onRecord: FormatRecord): readonly string[] =>
  [...new Set([...Object.keys(now), ...Object.keys(onRecord)])].sort().filter((name) => {
    const [a, b] = [now[name], onRecord[name]];
    return a === undefined || b === undefined || !isSame(a, b);
  });

const said = (all: readonly Refusal[]) => all.map(({ at, why }) => `  ${at}: ${why}`).join('\n');

/** What the code at hand can no longer read of a release, each with what to do about it; none where it reads all. */
export function unreadable(now: FormatRecord, { name: release, formats }: Release): readonly string[] {
  return Object.entries(formats).flatMap(([name, earlier]) => {
    const later = now[name];
    const begin = `What release ${release} wrote as "${name}"`;
    if (!later)
      return [
        `${begin} is read by nothing any more. Keep its reader, under this name in test/upgrade/formats/table.ts.`,
      ];
    // What says another version is told apart by it, and the fixtures of the release hold whether it is still read.
    if (canonicalJson(later.version) !== canonicalJson(earlier.version)) return [];
    const refused = refusals(earlier.shape, later.shape).filter(({ isCheck }) => !isCheck);
    if (refused.length === 0) return [];
    return [`${begin} is no longer read:\n${said(refused)}\n${remedyOf(earlier.version)}`];
  });
}

const remedyOf = (version: RecordedFormat['version']): string =>
  version === null
    ? 'It says no version of its own, so it must stay readable: make what is new optional, widen what there is, or read the earlier form beside the new one (z.union).'
    : `Raise its version (${version}), and keep a reader of the earlier one; or make what is new optional.`;

/** The formats that changed since a release without a word on why that is compatible. */
export const unexplained = (onRecord: FormatRecord, { formats }: Release): readonly string[] =>
  Object.entries(formats).flatMap(([name, earlier]) => {
    const later = onRecord[name];
    const isExplained = (later?.changes?.length ?? 0) > (earlier.changes?.length ?? 0);
    return later && !isSame(earlier, later) && !isExplained ? [name] : [];
  });

/**
 * The record after a change.
 *
 * @param because why the changed formats are compatible, or what their new version is for; for formats that a release knows it must be said
 * @throws Error that says what is not compatible, or not explained
 */
export function recordAnew(
  now: FormatRecord,
  onRecord: FormatRecord,
  releases: readonly Release[],
  because: string | undefined,
): FormatRecord {
  const broken = releases.flatMap((release) => unreadable(now, release));
  if (broken.length > 0) throw new Error(broken.join('\n\n'));
  const changed = unrecorded(now, onRecord);
  const known = changed.filter((name) => now[name] && releases.some(({ formats }) => formats[name]));
  if (known.length > 0 && (because ?? '').trim() === '')
    throw new Error(
      `Say why what was written before can still be read: npm run formats -- --because "…". Changed: ${known.join(', ')}.`,
    );
  return Object.fromEntries(
    Object.entries(now).map(([name, format]) => {
      const before = onRecord[name]?.changes ?? [];
      const changes = known.includes(name) && because ? [...before, because] : before;
      return [name, changes.length > 0 ? { ...format, changes } : format];
    }),
  );
}
