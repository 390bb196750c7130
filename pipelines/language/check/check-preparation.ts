import { treePathSchema } from '../../../contracts/artifacts.ts';
import { isMapping, type Json } from '../../../contracts/json.ts';
import { findReferences } from '../expressions/references.ts';
import type { Path } from '../problems/problems.ts';
import type { ReadStep } from '../read/read-step.ts';

/** Sides of the images of the sources that have one size; these also know no groups, and reject no file. */
const sideOf: Readonly<Record<string, number>> = { 'fashion-mnist': 28, mnist: 28, cifar10: 32, generated: 28 };
/** Those of them that come with a test set. */
const withTest: readonly string[] = ['fashion-mnist', 'mnist', 'cifar10'];
const defaultSize = 32;

/** A mistake in `with`, at a path in it. `everywhere`: it is one only where it is one in every step of a matrix. */
interface Mistake {
  readonly path: Path;
  readonly message: string;
  readonly everywhere?: boolean;
}

type Given = Readonly<Record<string, Json>>;

/**
 * Checks what the parameters of `prepare-data` are to each other, before anything is read: what a source needs, what it has no use
 * for, and columns that cannot serve two ends. Only what is certain is a mistake: that a parameter does nothing, whatever its value.
 */
export function checkPreparation({ written, members }: ReadStep): void {
  const found = members.map(({ definition }) => mistakesIn(definition.with as Given));
  const [first = []] = found;
  const isSame = (one: Mistake, other: Mistake) => one.path.join('.') === other.path.join('.');
  const said = [
    ...found.flatMap((own) => own.filter(({ everywhere }) => !everywhere)),
    ...first.filter((one) => one.everywhere && found.every((own) => own.some((other) => isSame(one, other)))),
  ];
  const told: Mistake[] = [];
  for (const mistake of said) {
    // Once is enough for all of a matrix.
    if (told.some((other) => isSame(mistake, other))) continue;
    told.push(mistake);
    const isKey = mistake.everywhere === true;
    (isKey ? written.scope.report.atKey : written.scope.report.at)(
      [...written.path, 'with', ...mistake.path],
      mistake.message,
    );
  }
}

/** What is not known before other steps have ended says nothing. */
const isOpen = (value: Json | undefined): boolean => findReferences(value ?? null).length > 0;

const isGiven = (value: Json | undefined): boolean => value !== undefined && value !== null;

function mistakesIn(given: Given): Mistake[] {
  const { dataset } = given;
  if (typeof dataset !== 'string' || isOpen(dataset)) return [];
  return [...placeMistakes(dataset, given), ...unusedIn(dataset, given), ...columnMistakes(given.columns)];
}

/** Where the files are. */
function placeMistakes(dataset: string, { path, from }: Given): Mistake[] {
  const needs = (message: string): Mistake[] => [{ path: ['path'], message }];
  if (isGiven(from) && dataset === 'table') {
    if (!isGiven(path)) return needs('path is missing: with `from`, it is the table in the folder that is given');
    const isInside = isOpen(path) || treePathSchema.safeParse(path).success;
    return isInside ? [] : needs('path must be the table in the folder that `from` gives, such as products.csv');
  }
  if (isGiven(from)) return isGiven(path) ? needs('path and from both name the folder: give one') : [];
  if (isGiven(path) || !['table', 'image-folder', 'cifar10'].includes(dataset)) return [];
  return needs(
    `path is missing: dataset: ${dataset} needs ${dataset === 'table' ? 'the table' : 'the folder that holds its files'}`,
  );
}

/** Parameters that do nothing for a source. */
function unusedIn(dataset: string, given: Given): Mistake[] {
  const { size = defaultSize, fit = 'pad', encoding, split } = given;
  const mistake = (path: Path, why: string): Mistake => ({
    path,
    message: `${String(path.at(-1))} does nothing here: ${why}`,
    everywhere: true,
  });
  const only = (name: string, of: readonly string[]): Mistake[] =>
    isGiven(given[name]) && !of.includes(dataset)
      ? [mistake([name], `it is for dataset: ${of.join(' and dataset: ')}, not ${dataset}`)]
      : [];
  const foreign = [
    ...only('columns', ['table']),
    ...only('allowUrls', ['table']),
    ...only('relabels', ['table', 'image-folder']),
    ...only('generated', ['generated']),
  ];
  const side = sideOf[dataset];
  if (side === undefined) return foreign;
  const isWritten = (name: string) => isGiven(given[name]);
  const isNotEnlarged = typeof size === 'number' && size <= side && !isGiven(encoding);
  const isNeverPadded = isNotEnlarged || (typeof fit === 'string' && !isOpen(fit) && fit !== 'pad');
  const { by, test: testOfSplit } = isMapping(split) ? (split as Given) : {};
  const hasTest = withTest.includes(dataset);
  const ownTest = `${dataset} has a test set of its own`;
  // Where classes are held out and `split` names no share of its own, that of the step is theirs.
  const testServesClasses = by === 'class' ? !isGiven(testOfSplit) : isOpen(by) || isOpen(split);
  return [
    ...foreign,
    ...(dataset === 'generated'
      ? ['path', 'from'].filter(isWritten).map((name) => mistake([name], 'generated images are read from nowhere'))
      : []),
    ...(isWritten('fit') && isNotEnlarged
      ? [mistake(['fit'], `images of ${dataset} are squares of ${side}, and size is ${size}`)]
      : []),
    ...(isWritten('background') && isNeverPadded
      ? [mistake(['background'], `images of ${dataset} are opaque squares, and are not padded`)]
      : []),
    ...(isWritten('maximumRejected') ? [mistake(['maximumRejected'], `${dataset} has no files to reject`)] : []),
    ...(isWritten('test') && hasTest && !testServesClasses ? [mistake(['test'], ownTest)] : []),
    ...(isGiven(testOfSplit) && hasTest && by !== 'class' && !isOpen(by)
      ? [mistake(['split', 'test'], `${ownTest}, which is not split`)]
      : []),
    ...(by === 'group'
      ? [{ path: ['split', 'by'], message: `by must be random or class: images of ${dataset} have no groups` }]
      : []),
  ];
}

const optionalRoles = ['group', 'category', 'split'] as const;

/**
 * Columns that serve two ends. A label may be a group, a category or a further label too. A path is none of these: an image a class
 * of its own would be a mistake. Neither is the name of a split.
 */
function columnMistakes(columns: Json | undefined): Mistake[] {
  if (!isMapping(columns)) return [];
  const given = columns as Given;
  const nameOf = (role: string) => (given[role] === undefined ? role : given[role]);
  const labels = Array.isArray(given.labels) ? given.labels : [];
  const roles = [
    ...(['image', 'label', ...optionalRoles] as const).map((role) => ({ role: role as string, name: nameOf(role) })),
    ...labels.map((name) => ({ role: 'labels', name })),
  ].filter(({ name }) => typeof name === 'string' && !isOpen(name));
  return (['image', 'split'] as const).flatMap((role): Mistake[] => {
    const own = roles.find((each) => each.role === role);
    const other = own && roles.find((each) => each.role !== role && each.name === own.name);
    if (!own || !other || (role === 'split' && other.role === 'image')) return [];
    // Of two, the one that was written; a column of a usual name is read by itself.
    const at = given[role] === undefined ? other.role : role;
    const byItself = [role, other.role].find((each) => given[each] === undefined);
    const hint =
      byItself !== undefined && byItself !== 'image' && byItself !== 'label'
        ? `; write \`${byItself}: false\` where the table has none`
        : '';
    return [
      {
        path: ['columns', at],
        message: `${role} and ${other.role} cannot be the same column ${JSON.stringify(own.name)}${hint}`,
      },
    ];
  });
}
