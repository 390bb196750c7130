import { count, times } from '../contracts/counted.ts';
import { countedIn, leftOutText } from '../contracts/data-account.ts';
import { someOf } from '../contracts/some-of.ts';
import { visible } from '../contracts/visible-text.ts';
import type { DatasetAccount, PreparedAccount } from './dataset-accounts.ts';
import { forgottenText } from './forgotten-since.ts';
import { shorten } from './output.ts';
import { table } from './table.ts';
import { columns, wrapped } from './wrapped.ts';

// Every text here fits into a terminal; a path that is to be copied stays whole.
const mostClasses = 20;
const mostRejected = 10;
const nameWidth = 30;

type Rejected = PreparedAccount['rejected'][number];

/** What was counted. */
type Noun = ReturnType<typeof countedIn>;
export const nounOf = (account: DatasetAccount): Noun => {
  if (account.state === 'refused') return account.of === 'rows' ? 'row' : 'file';
  return account.state === 'prepared' ? countedIn(account) : 'file';
};

/** What became of the files of a data set, in a bounded number of lines. */
export function accountText(account: DatasetAccount, run: string): string {
  const heading = account.field === 'dataset' ? account.step : `${account.step}.${account.field}`;
  switch (account.state) {
    case 'open':
      return wrapped(`${heading}: not prepared yet. \`contrail status ${run}\` shows how far it is.`);
    case 'preparing':
      return wrapped(
        `${heading}: is being prepared, unless its worker has gone away. \`contrail status ${run}\` shows how far it is.`,
      );
    case 'lost':
      return wrapped(`${heading}: cannot be read any more. ${account.problem}`);
    case 'refused':
      return [
        wrapped(`${heading}: no data set was made of ${times(account.found, nounOf(account))}.`),
        ...account.problems.map((problem) => wrapped(`- ${problem}`)),
        ...reasonLines(account.reasons, nounOf(account)),
        ...placeLines({ ...account, folder: null }, nounOf(account)),
      ].join('\n');
    case 'prepared':
      return preparedText(heading, account, run);
  }
}

function preparedText(heading: string, account: PreparedAccount, run: string): string {
  const {
    forgotten,
    step,
    name,
    image,
    classes,
    labels,
    splits,
    files,
    incomplete,
    reasons,
    rejected,
    warnings,
    copies,
  } = account;
  const noun = countedIn(account);
  const colours = image.channels === 1 ? 'grey' : 'colour';
  return [
    wrapped(`${heading}: ${name}, ${times(classes.length, 'class', 'classes')}, ${sizeOf(image)} in ${colours}`),
    `dataset ${account.digest}`,
    ...(forgotten > 0 ? [wrapped(forgottenText(forgotten, run, step))] : []),
    ...(labels ? [wrapped(`labels of ${labels.map(visible).join(', ')}`)] : []),
    '',
    splitTable(splits),
    '',
    classTable(account),
    ...(files ? ['', filesTable(files, account)] : []),
    ...(incomplete.length > 0 ? ['', `Classes with rejected ${noun}s`, incompleteTable(incomplete)] : []),
    ...(rejected.length > 0 ? ['', ...rejectedPart(rejected, reasons, noun)] : []),
    ...(copies.length > 0 ? ['', ...copies.map(copiesLine)] : []),
    ...(warnings.length > 0 ? ['', ...warnings.map((warning) => wrapped(`warning: ${warning}`))] : []),
    ...placeLines(account, noun),
  ].join('\n');
}

const sizeOf = ({ width, height }: PreparedAccount['image']) => `${width}x${height}`;

const splitTable = (splits: PreparedAccount['splits']): string =>
  table(
    ['split', 'images', 'classes'],
    Object.entries(splits).map(([split, { images, perClass }]) => [
      split,
      images,
      perClass.filter((own) => own > 0).length,
    ]),
  );

/** Each class with its images in each split, the first so many. */
function classTable({ classes, splits }: Pick<PreparedAccount, 'classes' | 'splits'>): string {
  const rows = classes
    .slice(0, mostClasses)
    .map((name, label) => [
      shorten(name, nameWidth),
      ...Object.values(splits).map(({ perClass }) => perClass[label] ?? 0),
    ]);
  const more = classes.length - rows.length;
  return [
    table(['class', ...Object.keys(splits)], rows),
    ...(more > 0 ? [`and ${times(more, 'more class', 'more classes')}; --class shows one, --json all`] : []),
  ].join('\n');
}

const filesTable = (
  { found, used, leftOut, rejected, ignored }: NonNullable<PreparedAccount['files']>,
  account: PreparedAccount,
): string =>
  table(
    [`${countedIn(account)}s`, ''],
    [
      ['found', found],
      ['used', used],
      [leftOutText(account), leftOut],
      ['rejected', rejected],
      [
        `ignored${ignored > 0 ? ` (${shorten(someOf(Object.entries(account.ignored).map(([of, own]) => `${of} ${own}`)), 50)})` : ''}`,
        ignored,
      ],
    ],
  );

const incompleteTable = (incomplete: PreparedAccount['incomplete']): string =>
  table(
    ['class', 'found', 'used', 'rejected'],
    incomplete.map((each) => [shorten(each.class, nameWidth), each.found, each.used, each.rejected]),
  );

const reasonLines = (reasons: PreparedAccount['reasons'], noun: Noun): string[] =>
  reasons.length === 0
    ? []
    : [
        `Why ${noun}s were rejected`,
        ...reasons.map(({ reason, count: number, first }) =>
          number === 1
            ? wrapped(`1 ${noun}: ${reason}`, '  ')
            : wrapped(`${count(number)} ${noun}s, first ${first[0]}: ${reason}`, '  '),
        ),
      ];

/** The first that were rejected; where there are more, the reasons of all before them. */
function rejectedPart(rejected: readonly Rejected[], reasons: PreparedAccount['reasons'], noun: Noun): string[] {
  const more = rejected.length - mostRejected;
  return [
    ...(more > 0 ? [...reasonLines(reasons, noun), ''] : []),
    `Rejected ${noun}s`,
    ...rejected.slice(0, mostRejected).map((each) => rejectedText({ ...each, path: shorten(each.path, columns - 2) })),
    ...(more > 0 ? [`  and ${count(more)} more; --rejected shows all`] : []),
  ];
}

/** A file on a line, and why it cannot be used below. */
const rejectedText = ({ path, reason }: Rejected): string => `  ${visible(path)}\n${wrapped(reason, '    ')}`;

const copiesLine = ({ split, alsoIn, images, sameBytes, first }: PreparedAccount['copies'][number]): string =>
  wrapped(
    `${times(images, 'image')} of ${split} ${images === 1 ? 'is' : 'are'} in ${alsoIn} too (${sameBytes} of the same bytes), such as ${first[0]?.image}, which is ${first[0]?.copyOf}`,
  );

const placeLines = ({ folder, list }: Pick<PreparedAccount, 'folder' | 'list'>, noun: Noun): string[] =>
  folder === null && list === null
    ? []
    : [
        '',
        ...(folder === null ? [] : [`folder: ${visible(folder)}`]),
        ...(list === null ? [] : [`every ${noun}: ${visible(list)}`]),
      ];

/** All rejected files of a data set, each with its whole path; empty where there is none. */
export const rejectedLines = (rejected: readonly Rejected[]): string => rejected.map(rejectedText).join('\n');

/** The part of a data set that is of one class: its images in each split, and its rejected files. */
export function classText(account: PreparedAccount): string {
  const noun = countedIn(account);
  return [
    classTable(account),
    ...(account.rejected.length > 0 ? ['', ...rejectedPart(account.rejected, account.reasons, noun)] : []),
    ...placeLines({ folder: null, list: account.list }, noun),
  ].join('\n');
}
