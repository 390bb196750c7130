import { fileList, rejectedPicturesFile } from '../../../contracts/file-list.ts';
import { relabelsFile } from '../../../contracts/inspection.ts';
import type { PlannedStep } from '../../../contracts/plan.ts';
import { kindOf } from '../../../contracts/step-kinds.ts';
import type { ReadStep } from '../read/read-step.ts';
import { baseOf } from '../read/written.ts';

/**
 * Refuses steps that would write the same file into the run's report folder: the list of `a-b` is that of the output `b` of `a`. Names of outputs
 * have no dash and ids have no capitals or underscores, so lists of two outputs are never one, whatever the steps are called: what follows the
 * last dash is the output.
 */
export function checkReportFiles(steps: readonly PlannedStep[], read: ReadonlyMap<string, ReadStep>): void {
  const writers = new Map<string, string>();
  for (const step of steps)
    for (const [file, what] of filesOf(step)) {
      const other = writers.get(file);
      writers.set(file, what);
      const written = read.get(baseOf(step.id))?.written;
      if (other === undefined || !written) continue;
      written.scope.report.atKey(
        written.path,
        `${what} would be the file ${file} of the run's report, and so would ${other}; rename one of them`,
      );
    }
}

type Named = readonly [file: string, what: string];

function filesOf(step: PlannedStep): readonly Named[] {
  const { id, uses } = step;
  const { outputs, measures } = kindOf(step);
  const lists = Object.entries(outputs).flatMap(([name, kind]): Named[] => {
    // One that chooses among data sets makes none.
    if (kind !== 'dataset' || uses === 'choose') return [];
    if (uses !== 'prepare-data') return [[fileList(id, name), `the list of ${name} of step ${id}`]];
    const list = fileList(id);
    return [
      [list, `the list of step ${id}`],
      [rejectedPicturesFile(list), `what step ${id} rejects`],
    ];
  });
  const measured: Named[] = measures === undefined ? [] : [[`${id}.json`, `what step ${id} measures`]];
  const relabels: Named[] = uses === 'inspect-data' ? [[`${id}-${relabelsFile}`, `the corrections of step ${id}`]] : [];
  return [...lists, ...measured, ...relabels];
}
