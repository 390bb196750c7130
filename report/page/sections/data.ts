import { splitNames, splitText } from '../../../contracts/artifacts.ts';
import { count, times } from '../../../contracts/counted.ts';
import { countedIn, leftOutText } from '../../../contracts/data-account.ts';
import type { DataReport, Report } from '../../../contracts/report.ts';
import { type Pictures, sheetOf } from '../../pictures.ts';
import { type Html, html } from '../html.ts';
import { card, n, picture, type Section, table } from '../parts.ts';

/** Rejected files that the page names; the list beside it has all. */
const mostRejected = 2000;

const exampleSize = 56;

/** What was found in each data set, what of it is used, what it looks like, and what its user should know. */
export function dataSection({ data }: Pick<Report, 'data'>, pictures: Pictures): Section | null {
  if (data.length === 0) return null;
  return {
    id: 'data',
    heading: 'Data',
    lead: 'What was prepared: which files are used, which are not and why, and what may make a measure other than expected.',
    body: html`${data.map((each) => card(html`<h3>${each.step}: ${each.name}</h3>${dataOf(each, pictures)}`))}`,
  };
}

function dataOf(report: DataReport, pictures: Pictures): Html {
  const { classes, trainedClasses, counts, summary, rejected } = report;
  const {
    files,
    reasons = [],
    incomplete = [],
    warnings = [],
    copies = [],
    ignored = {},
    list,
    table: rows,
    relabels,
  } = summary;
  const noun = countedIn(summary);
  return html`${warnings.length === 0 ? null : html`<ul>${warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`}<div class="grid third">${table(
    'Images of each split',
    ['', 'images'],
    [
      ['classes', n(count(classes))],
      ...(trainedClasses === undefined
        ? []
        : [['of them never trained on', n(count(classes - trainedClasses))] as const]),
      ...splitNames.flatMap((name) => {
        const images = counts[name];
        return images === undefined ? [] : [[splitText(name), n(count(images))] as const];
      }),
    ],
  )}${
    files === undefined
      ? null
      : table(
          rows ? 'Rows of the table' : 'Files that were found',
          ['', `${noun}s`],
          [
            ['found', n(count(files.found))],
            ['used', n(count(files.used))],
            [leftOutText(summary), n(count(files.leftOut))],
            ['rejected', n(count(files.rejected))],
            ...Object.entries(ignored).map(
              ([of, number]) => [`left behind by ${of}, ignored`, n(count(number))] as const,
            ),
          ],
        )
  }</div>${contactSheet(report, pictures)}${
    incomplete.length === 0
      ? null
      : table(
          `Classes with rejected ${noun}s`,
          ['class', 'found', 'used', 'rejected'],
          incomplete.map((each) => [each.class, n(count(each.found)), n(count(each.used)), n(count(each.rejected))]),
        )
  }${
    reasons.length === 0
      ? null
      : table(
          `Why ${noun}s were rejected`,
          [`a ${noun} …`, `${noun}s`, 'first'],
          reasons.map(({ reason, count: number, first }) => [
            reason,
            n(count(number)),
            { text: first.join(', '), n: false },
          ]),
          { firstNumeric: 1 },
        )
  }${
    copies.length === 0
      ? null
      : table(
          'Exact copies between splits',
          ['images of', 'also in', 'images', 'of the same bytes', 'first'],
          copies.map(({ split, alsoIn, images, sameBytes, first }) => [
            split,
            { text: alsoIn, n: false },
            n(count(images)),
            n(count(sameBytes)),
            { text: first.map(({ image, copyOf }) => `${image} is ${copyOf}`).join(', '), n: false },
          ]),
          { firstNumeric: 2 },
        )
  }${rows === undefined ? null : html`<p class="muted">Read from <code>${rows.file}</code>, SHA-256 <code>${rows.sha256}</code>.</p>`}${
    relabels === undefined
      ? null
      : html`<p class="muted">Corrected by <code>${relabels.file}</code>, SHA-256 <code>${relabels.sha256}</code>: ${times(relabels.changed, 'label')} changed, ${times(relabels.dropped, 'image')} left out.</p>`
  }${rejectedPictures(rejected)}${rejectedList(rejected, noun)}${list === undefined ? null : html`<p class="muted">Every ${noun} and what became of it: <code>${list}</code> in the store.</p>`}`;
}

/** Some training images of each class, a line a class. */
function contactSheet({ dataset = '', classes, examples = [] }: DataReport, pictures: Pictures): Html | null {
  const sheet = sheetOf(dataset, 'train');
  if (examples.length === 0 || !pictures.has(sheet)) return null;
  const more = classes - examples.length;
  return html`<h3 class="apart">Some training images${more > 0 ? html` <span class="muted">of ${count(examples.length)} of ${count(classes)} classes</span>` : null}</h3><dl class="contact">${examples.map(
    ({ class: name, rows }) =>
      html`<dt>${name}</dt><dd><ul class="pictures tight">${rows.map((row) => html`<li>${picture(pictures, sheet, row, exampleSize, `${name}, training image ${row}`)}</li>`)}</ul></dd>`,
  )}</dl>`;
}

/** Rejected files of which something can be seen. */
function rejectedPictures(rejected: DataReport['rejected']): Html | null {
  const seen = rejected.filter((each) => each.picture !== undefined);
  if (seen.length === 0) return null;
  return html`<h3 class="apart">Rejected, and what can still be seen of them</h3><ul class="pictures rejected">${seen.map(
    ({ path, reason, picture: webp }) =>
      html`<li><span class="picture" role="img" aria-label="${path}" style="background-image:url(data:image/webp;base64,${webp})"></span>${path} <span class="muted">${reason}</span></li>`,
  )}</ul>`;
}

function rejectedList(rejected: DataReport['rejected'], noun: ReturnType<typeof countedIn>): Html | null {
  if (rejected.length === 0) return null;
  return html`<details><summary>${times(rejected.length, `rejected ${noun}`)}</summary>${table(
    `Rejected ${noun}s`,
    [noun, 'why'],
    rejected.slice(0, mostRejected).map(({ path, reason }) => [path, { text: reason, n: false }]),
    { firstNumeric: 2 },
  )}${rejected.length > mostRejected ? html`<p class="muted">and ${count(rejected.length - mostRejected)} more</p>` : null}</details>`;
}
