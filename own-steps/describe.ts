import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { childEnvironment } from '../contracts/child-environment.ts';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { kindFromOwn, type OwnKind, ownKindSchema } from '../contracts/own-kind.ts';
import { childCommand, linkPackages, packagesFile, readAnswer, writeTask } from './child-process.ts';
import { importGraph } from './import-graph.ts';
import { createOutput } from './output.ts';
import { runGroup } from './process-group.ts';
import { readBounded } from './result.ts';
import { secretsOf } from './secrets.ts';
import { type Code, codeOf, readFiles, readSources, type SourceFile } from './sources.ts';
import { makeWorkspace, type Workspace } from './workspace.ts';

/** Only its declaration is wanted: what takes longer does work where it is loaded. */
const usualLimitMs = 30_000;
const memoryMiB = 512;

export type OwnStepFile = { readonly kind: OwnKind; readonly code: Code } | { readonly problem: string };

/**
 * Learns what a step of the user's own is: its files are found without running them, and loaded in a process of their own,
 * within limits of time and memory.
 *
 * @param root the folder of the pipeline
 * @param file as the pipeline names it: `./steps/dedupe.ts`
 */
export async function describeOwnStep(
  root: string,
  file: string,
  { limitMs = usualLimitMs }: { readonly limitMs?: number } = {},
): Promise<OwnStepFile> {
  const path = file.slice(2);
  if (!existsSync(join(root, path))) return { problem: `there is no such file in ${root}` };
  const graph = importGraph(root, path);
  if ('problem' in graph) return graph;
  const read = readFiles(root, graph.files);
  if ('problem' in read) return read;
  const temporary = await mkdtemp(join(tmpdir(), 'contrail-step-'));
  try {
    const space = await makeWorkspace(temporary);
    await writeAll(space.work, read.files);
    await linkPackages(space.work, graph.packages, dirname(join(root, path)));
    const { sources, ...described } = await ask(space, path, limitMs);
    const kind = ownKindSchema.parse({ file, ...described });
    kindFromOwn(kind);
    const found = readSources(root, { command: [], sources });
    if ('problem' in found) return { problem: `its sources: ${found.problem}` };
    const all = new Map([...read.files, ...found.files].map((each) => [each.path, each]));
    return { kind, code: codeOf([...all.values(), packageList(graph.packages)]) };
  } catch (error) {
    return { problem: isContrailError(error) ? error.message : `its schemas cannot be used: ${error}` };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

const packageList = (packages: Readonly<Record<string, string>>): SourceFile => ({
  path: packagesFile,
  content: new TextEncoder().encode(`${JSON.stringify(packages)}\n`),
  executable: false,
});

async function writeAll(folder: string, files: readonly SourceFile[]): Promise<void> {
  for (const { path, content } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

/** @throws ContrailError InvalidPipeline that says what is wrong with the file, and where */
async function ask(space: Workspace, path: string, limitMs: number) {
  const wrong = (message: string) => new ContrailError('InvalidPipeline', message);
  const task = await writeTask(space, { file: join(space.work, path), answer: space.resultFile });
  const output = createOutput(secretsOf([]), () => {});
  const signal = AbortSignal.timeout(limitMs);
  let end: Awaited<ReturnType<typeof runGroup>>;
  try {
    end = await runGroup(
      {
        command: childCommand(task, memoryMiB),
        cwd: space.work,
        env: { ...childEnvironment(process.env, 'compute'), TMPDIR: space.temporary },
      },
      {
        signal,
        graceMs: 1000,
        onOutput: output.read,
      },
    );
  } catch (error) {
    if (!signal.aborted) throw error;
    throw wrong(`loading it takes longer than ${limitMs / 1000} s: work belongs into \`run\``);
  }
  if (signal.aborted) throw wrong(`loading it takes longer than ${limitMs / 1000} s: work belongs into \`run\``);
  const answer = await readAnswer(await readBounded(space.resultFile));
  if (answer && 'described' in answer) return answer.described;
  const said = output.last().join('\n');
  if (answer && 'failure' in answer) throw wrong(`${placeIn(space.work, said)}${answer.failure.message}`);
  const how = end.how === 'signal' ? ` (${end.signal})` : end.how === 'exit' ? ` with exit code ${end.code}` : '';
  throw wrong(`its process ended${how} before it said what the step is${said === '' ? '' : `: ${said}`}`);
}

/** The first place in the user's files that a stack names, as `steps/dedupe.ts:3:5: `. */
export function placeIn(work: string, stack: string): string {
  const at = stack.indexOf(`${work}/`);
  const [place] = at < 0 ? [] : (/^[^\s()]+?:\d+:\d+/.exec(stack.slice(at + work.length + 1)) ?? []);
  return place === undefined ? '' : `${place}: `;
}
