import type { Evaluation } from '../../contracts/evaluation.ts';
import { duplicateKinds } from '../../contracts/inspection.ts';
import { hasLeaks } from '../leaks-note.ts';
import type { Picture } from '../plots/png.ts';
import { encodeEventFile, pictures, scalars } from './events.ts';
import { type BoardFile, eventFileName } from './training-files.ts';

/** What was measured on the test images, as one point. @param drawn pictures of it, by tag */
export function evaluationFile(
  wallTime: number,
  step: number,
  evaluation: Evaluation,
  drawn: Readonly<Record<string, Picture>>,
): BoardFile {
  const { top1, top5, macroF1, expectedCalibrationError, knn, geometry, leaks, all, clean } = evaluation;
  const leaking = hasLeaks(evaluation);
  const measured = {
    'test/top-1 accuracy': top1,
    'test/top-1 accuracy with images that leak': leaking ? (all?.top1 ?? null) : null,
    'test/top-1 accuracy without images that leak': leaking ? (clean?.top1 ?? null) : null,
    ...Object.fromEntries(
      duplicateKinds.map((kind) => [`leaks/${kind}`, leaks && leaking ? leaks[kind] : null] as const),
    ),
    'test/top-5 accuracy': top5,
    'test/macro F1': macroF1,
    'test/expected calibration error': expectedCalibrationError,
    ...Object.fromEntries(knn.map(({ k, accuracy }) => [`test/${k}-nearest-neighbour accuracy`, accuracy])),
    'embedding/alignment': geometry.alignment,
    'embedding/uniformity': geometry.uniformity,
    'embedding/silhouette': geometry.silhouette,
    'embedding/recall at 1': geometry.recallAt1,
    'embedding/MAP at R': geometry.mapAtR,
  };
  // What was not measured has no point.
  const values = Object.fromEntries(
    Object.entries(measured).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
  return {
    name: eventFileName(0, 'evaluation'),
    content: encodeEventFile(wallTime, [scalars({ wallTime, step }, values), pictures({ wallTime, step }, drawn)]),
  };
}
