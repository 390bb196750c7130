import type { CodeRef } from '../../../contracts/artifacts.ts';
import { isOwnPath, type OwnKind } from '../../../contracts/own-kind.ts';
import type { ReadStep } from '../read/read-step.ts';
import type { CodeFiles } from './check-program.ts';

/** Says what a step of the user's own is; a problem is a sentence that goes on after its file's name. */
export type OwnKinds = (
  file: string,
) => { readonly kind: OwnKind; readonly code: CodeRef | undefined } | { readonly problem: string };

/** Finds the files of the user's own. */
export interface OwnFiles {
  readonly code?: CodeFiles;
  readonly steps?: OwnKinds;
}

/** The steps with what those of the user's own are; one that is none is left out, and what is wrong reported. */
export function withOwnKinds(read: ReadonlyMap<string, ReadStep>, find: OwnKinds | undefined): Map<string, ReadStep> {
  const known = new Map<string, ReadStep>();
  for (const [id, step] of read) {
    const { uses } = step.definition;
    if (!isFile(uses)) {
      known.set(id, step);
      continue;
    }
    const found = isOwnPath(uses)
      ? (find?.(uses) ?? { problem: 'steps of your own are not looked for here' })
      : {
          problem:
            'it must be a TypeScript or JavaScript file in the folder of the pipeline, such as ./steps/dedupe.ts',
        };
    if ('problem' in found) {
      const { path, scope } = step.written;
      scope.report.at([...path, 'uses'], `${uses}: ${found.problem}`);
      continue;
    }
    const own = { uses: 'own', own: found.kind, code: found.code };
    known.set(id, {
      ...step,
      definition: { ...step.definition, ...own },
      members: step.members.map((member) => ({ ...member, definition: { ...member.definition, ...own } })),
    });
  }
  return known;
}

/** Whether a name is meant as that of a file. */
const isFile = (uses: string) => /^\.{0,2}\//.test(uses) || /\.[cm]?[jt]s$/.test(uses);
