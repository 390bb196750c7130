import { times } from '../contracts/counted.ts';
import type { Evaluation } from '../contracts/evaluation.ts';
import { someOf } from '../contracts/some-of.ts';
import { percent } from './format.ts';
import { leaksNote } from './leaks-note.ts';

/** The classes that no test image has. */
const classesWithoutTest = ({ classes, perClass }: Evaluation): string[] =>
  classes.filter((_, label) => perClass[label]?.support === 0);

/** What a reader must know to read the numbers: what was not measured, and what counts in no mean. Plain sentences. */
export function evaluationNotes(evaluation: Evaluation): string[] {
  const { classes, unseenClasses, geometry, top5, perClass, testImages, untrained } = evaluation;
  const absent = classesWithoutTest(evaluation);
  const neverSeen = perClass.filter(({ f1 }) => f1 === null).length;
  const { queries, images } = geometry;
  return [
    ...(unseenClasses === undefined
      ? []
      : [
          `${times(unseenClasses, 'class of the data set was', 'classes of the data set were')} never trained on: accuracy, confusion and F1 are of the other ${classes.length}.`,
        ]),
    ...(absent.length === 0
      ? []
      : [
          `${absent.length} of ${classes.length} classes ${absent.length === 1 ? 'has' : 'have'} no test image: ${someOf(absent)}.${
            neverSeen === 0 ? '' : ` Macro F1 is the mean over the other ${classes.length - neverSeen}.`
          }`,
        ]),
    ...(untrained === undefined
      ? []
      : [
          `${untrained.images} of ${testImages} test images ${untrained.images === 1 ? 'is' : 'are'} of ${times(untrained.classes, 'class', 'classes')} without a training image, which no classifier can name: they count as mistakes.`,
        ]),
    ...(top5 === null
      ? [
          `Top-5 accuracy is not measured: of ${times(classes.length, 'class', 'classes')} every one is among the five most probable.`,
        ]
      : []),
    ...(queries === 0
      ? [
          'Retrieval, silhouette, alignment and the distance within classes are not measured: no class has two test images.',
        ]
      : queries !== undefined && queries < images
        ? [
            `Retrieval and silhouette are means over ${queries} of ${times(images, 'image')}: the others are alone in their class.`,
          ]
        : []),
    ...(queries !== 0 && geometry.inter === null
      ? ['Silhouette and the distance between classes are not measured: all test images are of one class.']
      : []),
    ...notesOfLeaks(evaluation),
    ...copiesNote(evaluation),
  ];
}

/** Which test images show what a training image shows, and what is measured with and without them. */
function notesOfLeaks({ leaks, all, clean }: Evaluation): string[] {
  if (!leaks || !all || !clean) return [];
  return leaksNote(leaks, {
    one: 'test image',
    many: 'test images',
    of: 'training images',
    measure: 'accuracy',
    all: { images: all.images, value: all.top1 },
    clean: { images: clean.images, value: clean.top1 },
  });
}

/** Of versions before 4: what the test images that were trained on are worth. */
function copiesNote({ copies, testImages, top1 }: Evaluation): string[] {
  if (!copies || copies.images === 0 || top1 === null) return [];
  const [is, other] = copies.images === 1 ? ['image is an exact copy', 'that'] : ['images are exact copies', 'those'];
  const rest = testImages - copies.images;
  return [
    copies.top1 === null
      ? `All ${testImages} test ${is} of training images: the accuracy of ${percent(top1)} measures memory.`
      : `${copies.images} of ${testImages} test ${is} of training images. Without ${other}, accuracy is ${percent(copies.top1)} on ${times(rest, 'image')}.`,
  ];
}
