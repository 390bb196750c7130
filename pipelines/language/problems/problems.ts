import { limits } from '../../../contracts/limits.ts';

export type Path = readonly (string | number)[];

/** A mistake in a pipeline, with its place. */
export interface Problem {
  readonly file: string;
  /** From 1; 0 for a mistake that has no line, such as a `--set` or a value in a program. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export const formatProblem = ({ file, line, column, message }: Problem): string =>
  line === 0 ? `${file}: ${message}` : `${file}:${line}:${column}: ${message}`;

/** Ends the reading: more mistakes than these help nobody. */
export class TooManyProblems extends Error {}

/** @throws TooManyProblems after the last that is told */
export function addProblem(problems: Problem[], problem: Problem): void {
  problems.push({ ...problem, message: shortened(problem.message) });
  if (problems.length < limits.problems) return;
  problems.push({ ...problem, message: `and there may be more: at most ${limits.problems} are told at once` });
  throw new TooManyProblems();
}

/** A message may quote what somebody wrote, which has any length. */
const shortened = (message: string) =>
  message.length > limits.problemCharacters ? `${message.slice(0, limits.problemCharacters).toWellFormed()}…` : message;

/** Collects mistakes at places of one file. */
export interface Report {
  /** The value at a path, or the nearest above it that is there. */
  readonly at: (path: Path, message: string) => void;
  /** The key at a path. */
  readonly atKey: (path: Path, message: string) => void;
  /** So many characters into the text at a path. */
  readonly inText: (path: Path, offset: number, message: string) => void;
  /** A mistake that is not in the file. */
  readonly outside: (where: string, message: string) => void;
}

/** Mistakes in a value that no text stands behind are named by their path: `steps.pretrain.with.epochs`. */
export function reportByPath(file: string, problems: Problem[]): Report {
  const add = (where: string, message: string) => addProblem(problems, { file: where, line: 0, column: 0, message });
  const at = (path: Path, message: string) => {
    const name = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
    add(file, name === '' ? message : `${name.replace(/^\./, '')}: ${message}`);
  };
  return { at, atKey: at, inText: (path, _, message) => at(path, message), outside: add };
}
