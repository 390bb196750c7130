import type { CodeRef } from '../../../contracts/artifacts.ts';
import { isMapping, type Json } from '../../../contracts/json.ts';
import { findReferences, wholeReference } from '../expressions/references.ts';
import { suggestion } from '../problems/nearest.ts';
import type { Path } from '../problems/problems.ts';
import type { ReadStep } from '../read/read-step.ts';
import { baseOf } from '../read/written.ts';
import type { Graph } from './check-parameters.ts';
import { fieldAt, isArtifact } from './result-fields.ts';

/** What a step says of the files that its program needs. */
export interface CodeRequest {
  /** Words of the command: those that name a file count. */
  readonly command: readonly string[];
  /** Paths and patterns, each of which must name something. */
  readonly sources: readonly string[];
}

/** Finds these files beside the pipeline. A problem is a sentence, and which of the sources has it; null is no file at all. */
export type CodeFiles = (
  request: CodeRequest,
) => { readonly code: CodeRef | null } | { readonly problem: string; readonly source?: number };

const keysOf = (value: unknown) => (isMapping(value) ? Object.keys(value) : []);

/** The files that a step of the plan runs; what is wrong with them is reported. */
export function codeOf(
  { written }: ReadStep,
  { command, sources }: Readonly<Record<string, Json>>,
  find: CodeFiles,
): CodeRef | null {
  const texts = (value: Json | undefined) =>
    Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
  const found = find({ command: texts(command).filter((word) => !word.includes('${')), sources: texts(sources) });
  if ('code' in found) return found.code;
  const at = found.source === undefined ? ['command'] : ['sources', found.source];
  written.scope.report.at([...written.path, 'with', ...at], found.problem);
  return null;
}

/** Checks what the parameters of a program are to each other, and what they take of other steps. */
export function checkProgram({ written, definition, list }: ReadStep, { read }: Graph): void {
  const given = definition.with as Readonly<Record<string, Json>>;
  const say = (path: Path, message: string) => written.scope.report.at([...written.path, 'with', ...path], message);
  checkWords(given, say);
  checkPlaces(given, say);
  if (given.shell === true) checkShell(given, list !== undefined, say);
  checkOutputs(given, say);
  for (const [name, value] of Object.entries(isMapping(given.inputs) ? given.inputs : {})) {
    const reference = wholeReference(value);
    const giver = reference?.of === 'steps' ? read.get(baseOf(reference.step))?.definition : undefined;
    const isGiven = reference?.of === 'steps' && (!giver || gives(giver, reference.path));
    if (!isGiven) say(['inputs', name], `${name} must be an artifact of a step, such as \${steps.<id>.result.dataset}`);
  }
}

type Say = (path: Path, message: string) => void;

/** A list that stands in the command is a mistake, as a rule of brackets; one that a step gives comes as JSON. */
function checkWords(given: Readonly<Record<string, Json>>, say: Say): void {
  for (const part of ['command', 'env'] as const)
    for (const [name, word] of Object.entries(given[part] ?? {}))
      if (typeof word === 'object' && word !== null)
        say(
          [part, Array.isArray(given[part]) ? Number(name) : name],
          'must be text, a number, true or false; only a reference to a list or mapping stands for its JSON',
        );
}

/** `${inputs.…}` and `${outputs.…}` must be declared. */
function checkPlaces(given: Readonly<Record<string, Json>>, say: Say): void {
  for (const part of ['command', 'env'] as const)
    for (const { path, reference } of findReferences(given[part] ?? null)) {
      if (reference?.of !== 'inputs' && reference?.of !== 'outputs') continue;
      const name = reference.path.join('.');
      const known = keysOf(given[reference.of]);
      if (!known.includes(name))
        say([part, ...path], `the step has no ${name} among its ${reference.of}${suggestion(name, known)}`);
    }
}

/** What a shell reads must not depend on what a result holds: that could be any command. */
function checkShell({ command }: Readonly<Record<string, Json>>, itemsAreResults: boolean, say: Say): void {
  if (Array.isArray(command) && command.length !== 1)
    say(['command'], 'with shell, command must be one text, in a list of its own');
  for (const { path, reference } of findReferences(command ?? null))
    if (reference?.of === 'inputs' || reference?.of === 'outputs')
      say(
        ['command', ...path],
        `in the text of a shell, write "$CONTRAIL_${reference.of === 'inputs' ? 'INPUT' : 'OUTPUT'}_${reference.path.join('_').toUpperCase()}"`,
      );
    else if (reference?.of === 'steps' || reference?.of === 'run' || (reference?.of === 'matrix' && itemsAreResults))
      say(['command', ...path], 'a result must not stand in the text of a shell: give it by env, and write "$NAME"');
}

function checkOutputs({ outputs, result }: Readonly<Record<string, Json>>, say: Say): void {
  const places = Object.entries(isMapping(outputs) ? outputs : {}).flatMap(([name, output]) => {
    const path = isMapping(output) ? (output.folder ?? output.file ?? output.dataset) : undefined;
    return typeof path === 'string' ? [{ name, path }] : [];
  });
  for (const [index, { name, path }] of places.entries()) {
    const other = places
      .slice(0, index)
      .find((each) => `${path}/`.startsWith(`${each.path}/`) || `${each.path}/`.startsWith(`${path}/`));
    if (other) say(['outputs', name], `${name} and ${other.name} are at the same place, or one in the other`);
  }
  for (const name of keysOf(outputs))
    if (keysOf(result).includes(name)) say(['result', name], `${name} is an output already`);
}

/** Whether what is at a path of a step's result may be an artifact; that there is no such field is said elsewhere. */
function gives(giver: ReadStep['definition'], path: readonly string[]): boolean {
  const field = fieldAt(giver, path);
  return field === null || isArtifact(field);
}
