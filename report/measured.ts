import type { Measured, MeasuredKind } from '../contracts/measured.ts';
import type { Report } from '../contracts/report.ts';
import type { Arm } from './arms.ts';
import { formatOutliers } from './markdown/outliers.ts';
import { formatRetrieval } from './markdown/retrieval.ts';
import { formatRobustness } from './markdown/robustness.ts';
import type { Section } from './page/parts.ts';
import { outliersSection, robustnessSection } from './page/sections/measures.ts';
import { retrievalSection } from './page/sections/retrieval.ts';
import type { Drawing } from './plots/draw.ts';
import { drawOutliers, drawRobustness } from './plots/measures.ts';
import { drawRetrieval } from './plots/retrieval.ts';

/** How what a step measured is put for people. */
interface Shown<K extends MeasuredKind> {
  /** Of one artifact, in the run's folder. */
  readonly markdown: (measured: Measured<K>) => string;
  /** Of all in a report. */
  readonly draw: (entries: Report[K], arms: readonly Arm[]) => readonly Drawing[];
  /** @param comparable whether all were measured on the same test images */
  readonly section: (
    report: Report,
    arms: readonly Arm[],
    drawings: ReadonlyMap<string, Drawing>,
    comparable?: boolean,
  ) => Section | null;
}

/** In the order of the page. */
export const shownMeasures: { readonly [K in MeasuredKind]: Shown<K> } = {
  retrieval: { markdown: formatRetrieval, draw: drawRetrieval, section: retrievalSection },
  robustness: { markdown: formatRobustness, draw: drawRobustness, section: robustnessSection },
  outliers: { markdown: formatOutliers, draw: drawOutliers, section: outliersSection },
};
const kinds = Object.keys(shownMeasures) as readonly MeasuredKind[];

export const drawMeasured = (report: Report, arms: readonly Arm[]): readonly Drawing[] => {
  const of = <K extends MeasuredKind>(kind: K) => shownMeasures[kind].draw(report[kind], arms);
  return kinds.flatMap((kind) => of(kind));
};

export const measuredSections = (
  report: Report,
  arms: readonly Arm[],
  drawings: ReadonlyMap<string, Drawing>,
  comparable = true,
): readonly (Section | null)[] => kinds.map((kind) => shownMeasures[kind].section(report, arms, drawings, comparable));
