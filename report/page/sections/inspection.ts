import { count, times } from '../../../contracts/counted.ts';
import type { Inspection } from '../../../contracts/inspection.ts';
import type { InspectionReport, Report } from '../../../contracts/report.ts';
import { figure, ifMeasured, percent } from '../../format.ts';
import { type Pictures, shownOfClassifiers, shownOfLoss, shownOutliers } from '../../pictures.ts';
import { shownSplit } from '../../shown-split.ts';
import { type Html, html } from '../html.ts';
import { card, n, type Section, table } from '../parts.ts';
import { duplicateTexts, pairsByKind, shownImage } from './duplicate-pairs.ts';

const shownClasses = 12;

/** What is odd about each data set that was inspected, in pictures. */
export function inspectionSection({ inspections }: Pick<Report, 'inspections'>, pictures: Pictures): Section | null {
  if (inspections.length === 0) return null;
  return {
    id: 'inspection',
    heading: 'Data health',
    lead: 'Duplicates, labels that are probably wrong, outliers and classes that may be one. Nothing was removed or relabelled: these are for a person to decide.',
    body: html`${inspections.map((each) =>
      card(
        html`<h3>${each.step}: ${each.inspection.dataset}</h3>${balance(each.inspection)}${alike(each.inspection)}${duplicates(each, pictures)}${suspects(each, pictures)}${outliers(each, pictures)}`,
      ),
    )}`,
  };
}

function balance({ balance: { largest, smallest, median, small, smallClasses }, images }: Inspection): Html {
  const sides = images.map(({ split, images: of }) => `${count(of)} ${shownSplit(split)}`).join(', ');
  return html`<p>Looked at: ${sides}. Training images of a class: ${count(smallest.images)} (${smallest.class}) to ${count(largest.images)} (${largest.class}), median ${count(median)}.</p>${
    small === 0
      ? null
      : html`<p>${times(small, 'class has', 'classes have')} less than a tenth of the median: ${smallClasses
          .slice(0, shownClasses)
          .map((each) => `${each.class} (${each.images})`)
          .join(', ')}${small > shownClasses ? ' and more' : ''}.</p>`
  }`;
}

function alike({ alike: pairs }: Inspection): Html | null {
  if (pairs.length === 0) return null;
  return table(
    'Classes that may be one',
    ['class', 'and', 'names alike', 'taken for each other', 'cosine of means'],
    pairs
      .slice(0, shownClasses)
      .map((each) => [
        each.a,
        { text: each.b, n: false },
        { text: each.names ? 'yes' : 'no', n: false },
        n(ifMeasured(each.confused, (share) => percent(share, 1))),
        n(figure(each.centroids)),
      ]),
    { firstNumeric: 3 },
  );
}

function duplicates({ dataset, inspection }: InspectionReport, pictures: Pictures): Html {
  const { found, pairs, blank, cutShort } = inspection.duplicates;
  return html`<h3 style="margin-top:16px">Duplicates</h3>${
    found.length === 0
      ? html`<p>None were found.</p>`
      : table(
          'Images with a duplicate, by the surest kind',
          ['images of', 'also in', 'kind', 'images'],
          found.map(({ kind, split, alsoIn, images }) => [
            shownSplit(split),
            { text: shownSplit(alsoIn), n: false },
            { text: duplicateTexts[kind], n: false },
            n(count(images)),
          ]),
          { firstNumeric: 3 },
        )
  }${blank > 0 ? html`<p class="note">Blank images, which were compared for equality only: ${count(blank)}.</p>` : null}${
    cutShort > 0
      ? html`<p class="note">${times(cutShort, 'image is', 'images are')} so like so many others that not all were compared.</p>`
      : null
  }${pairsByKind(dataset, inspection.classes, pairs, pictures)}`;
}

function suspects({ dataset, inspection }: InspectionReport, pictures: Pictures): Html {
  const { suspects: found, classes } = inspection;
  const { accuracy, folds, leftOut, confused } = found;
  return html`<h3 style="margin-top:16px">Labels that are probably wrong</h3><p>${
    accuracy === null
      ? 'No class has two images, so no label could be judged.'
      : html`${times(found.count, 'label')} that ${folds} classifiers doubt, each of images that it did not see; they find ${percent(accuracy, 1)} of the labels. <code>relabels.csv</code> has them all, to be edited.`
  }${leftOut.images > 0 ? ` Images that are alone in their class, which cannot be judged: ${count(leftOut.images)}.` : ''}</p>${
    found.listed.length === 0
      ? null
      : html`<ul class="pictures">${shownOfClassifiers(found).map((each) =>
          shownImage(
            dataset,
            pictures,
            each,
            html`${classes[each.suggested]} <span class="muted">${percent(each.confidence, 0)}${each.byLoss ? ', by loss too' : ''}, labelled</span> ${classes[each.label]}`,
          ),
        )}</ul>${table(
          'Which label is doubted for which',
          ['label', 'probably', 'images'],
          confused
            .slice(0, shownClasses)
            .map(({ label, suggested, images }) => [
              classes[label] ?? '',
              { text: classes[suggested] ?? '', n: false },
              n(count(images)),
            ]),
          { firstNumeric: 2 },
        )}`
  }${lossSuspects(dataset, inspection, pictures)}`;
}

/** What the loss of kept checkpoints finds besides. */
function lossSuspects(dataset: string, { suspects: found, classes }: Inspection, pictures: Pictures): Html | null {
  const { byLoss } = found;
  if (!byLoss) return null;
  const { training, epochs, count: of, both, judged, leftOut } = byLoss;
  const alone = shownOfLoss(found);
  return html`<h3 style="margin-top:16px">By the loss of kept checkpoints</h3><p>${count(of)} of ${times(judged, 'training image')} ${of === 1 ? 'has a label' : 'have labels'} whose class explains them worse than another does, by the checkpoints of ${training.run}/${training.step} after ${epochs.length === 1 ? 'epoch' : 'epochs'} ${epochs.join(', ')}. The classifiers doubt ${count(both)} of them as well: those are the surest.${
    leftOut.classes > 0 ? ` ${times(leftOut.classes, 'class has', 'classes have')} too few images to say.` : ''
  }</p>${
    alone.length === 0
      ? null
      : html`<p class="note">Doubted by the checkpoints alone:</p><ul class="pictures">${alone.map((each) =>
          shownImage(
            dataset,
            pictures,
            each,
            html`${classes[each.suggested]} <span class="muted">${percent(each.votes, 0)} of its neighbours, labelled</span> ${classes[each.label]}`,
          ),
        )}</ul>`
  }`;
}

function outliers({ dataset, inspection }: InspectionReport, pictures: Pictures): Html {
  const { outliers: found, classes } = inspection;
  return html`<h3 style="margin-top:16px">Outliers</h3><p>${times(found.count, 'image is', 'images are')} far from all others of ${found.count === 1 ? 'its' : 'their'} class.${
    found.leftOut.classes > 0
      ? ` ${times(found.leftOut.classes, 'class has', 'classes have')} too few images to say.`
      : ''
  }</p>${
    found.listed.length === 0
      ? null
      : html`<ul class="pictures">${found.listed
          .slice(0, shownOutliers)
          .map((each) => shownImage(dataset, pictures, each, html`${classes[each.label]}`))}</ul>`
  }`;
}
