/**
 * How much of what comes from outside is taken. Each refusal names its limit; docs/pipelines.md lists them.
 *
 * Those of a pipeline hold when it is read. Those of conditions and sizes hold again while a run goes on, where results are
 * known; they are counts, never times, so that a replayed history decides the same.
 */
export const limits = {
  /** Of one pipeline file. */
  fileBytes: 1024 * 1024,
  /** Includes of a pipeline, through all files; a file that is included twice counts twice. */
  includes: 200,
  /** Files that include each other in a row. */
  includeDepth: 20,
  /** Bytes of all included files, each counted as often as it is included. */
  includedBytes: 4 * 1024 * 1024,
  /** Steps as written, through all files. */
  steps: 2000,
  /** Steps of the plan, each of a matrix counted. */
  plannedSteps: 5000,
  matrixCombinations: 1000,
  /** Steps of all trials of a sweep, at all rungs, if none is lost. */
  sweptSteps: 4000,
  /** Trials of a search that learns: it looks at all of them before each draw. */
  tpeTrials: 300,
  /** The table of all trials, which is sent with the result of the winner. */
  sweptTableBytes: 768 * 1024,
  /** Values of all combinations of a matrix together. */
  matrixValues: 50_000,
  /** One item of a list that a matrix goes over. */
  itemBytes: 4096,
  /** Parameters of all the steps that the lists of a run make, where each has its own. */
  listedBytes: 4 * 1024 * 1024,
  /** Needs of the steps of the plan, each of a matrix counted. */
  plannedNeeds: 20_000,
  /** How deep lists and mappings may lie in each other. */
  nesting: 64,
  /** Uses of YAML's anchors by aliases. */
  aliases: 100,
  /** What the `${params…}` of one step, or of one include, may be replaced by together. */
  filledBytes: 256 * 1024,
  /** The same for all steps of a pipeline together. */
  allFilledBytes: 4 * 1024 * 1024,
  /** Of the plan, as it is sent to Temporal, which takes 2 MiB; the state of the run joins it when its history begins anew. */
  planBytes: 1024 * 1024,
  /** Mistakes that are told at once. */
  problems: 200,
  /** Of what is told of a mistake. */
  problemCharacters: 1000,

  /** Of a condition as it is written. */
  whenCharacters: 4096,
  /** Of a condition once the params of an included file stand in it. */
  plannedWhenCharacters: 32 * 1024,
  /** Names, values, operators and calls of a condition. */
  whenParts: 20_000,
  /** Brackets of a condition within each other. */
  whenDepth: 100,
  /** Operators of a condition within each other, as `a && b && c` has two. */
  whenOperators: 500,
  /** `all`, `exists`, `exists_one`, `map` and `filter` within each other. */
  whenNesting: 3,
  /** Steps of evaluation that a condition may take at most; some 0.1 s. */
  whenCost: 100_000,
  /** The same for all conditions of a run together, in one history. */
  whenCostOfRun: 2_000_000,
  /** States of the automaton of a pattern that `matches` is given. */
  patternStates: 1000,

  /** What Temporal takes is 2 MiB a message. Parameters of a step, with the results that they refer to. */
  sentBytes: 1024 * 1024,
  /** The result of a step. */
  resultBytes: 1024 * 1024,
  /** The state of a run, as it is asked for, given back at its end, or carried over to a new history. */
  stateBytes: 1536 * 1024,
  /** Of the sentence that a failed run ends with. */
  failureCharacters: 20_000,

  /** What a program may write as its result. */
  programResultBytes: 512 * 1024,
  /** Files that a program needs, stored with the run. */
  sourceFiles: 1000,
  sourceBytes: 64 * 1024 * 1024,
  /** Files and folders that are looked through for them. */
  sourceEntries: 100_000,
  /** Files of one output of a program, and their bytes: a file with holes counts in full. */
  outputFiles: 10_000,
  outputBytes: 64 * 1024 ** 3,
} as const;

const units = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
] as const;

/** A size for people: `4.2 GiB`, `1 MiB`, `512 bytes`. */
export function formatBytes(bytes: number): string {
  const [unit, size] = units.find(([, each]) => bytes >= each) ?? [bytes === 1 ? 'byte' : 'bytes', 1];
  return `${Number((bytes / size).toFixed(1))} ${unit}`;
}
