// Plain JavaScript on Node's own modules: it runs before anything is installed.
import { execFileSync } from 'node:child_process';
import { neededNode, nodeIsSupported } from './node-version.mjs';

/**
 * What a machine must have before set-up can begin; some of it is not needed afterwards.
 *
 * @typedef {{ part: string, ok: boolean, found: string, fix: string, forSetUpAlone?: boolean }} Requirement
 * @typedef {(program: string, args: string[]) => string} Run gives a program's output, or throws
 */

/** What a compiler and pip need to say their version. */
const plain = [
  'PATH',
  'HOME',
  'TMPDIR',
  'LANG',
  'LC_ALL',
  'LD_LIBRARY_PATH',
  'PYTHONPATH',
  'PYTHONHOME',
  'VIRTUAL_ENV',
];

/** @type {Run} */
export const runProgram = (program, args) =>
  execFileSync(program, args, {
    encoding: 'utf8',
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => plain.includes(name))),
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/**
 * @param {{ nodeVersion?: string, platform?: string, arch?: string, run?: Run }} [machine]
 * @returns {Requirement[]}
 */
export function checkRequirements({
  nodeVersion = process.versions.node,
  platform = process.platform,
  arch = process.arch,
  run = runProgram,
} = {}) {
  const compiler = firstThatRuns(run, ['c++', 'g++', 'clang++'], ['--version']);
  return [
    {
      part: 'Node.js',
      ok: nodeIsSupported(nodeVersion),
      found: nodeVersion,
      fix: neededNode,
    },
    {
      part: 'platform',
      ok: platform === 'linux' && arch === 'x64',
      found: `${platform} ${arch}`,
      fix: 'Contrail runs on 64-bit x86 Linux with glibc. On another system, use a container or a virtual machine.',
    },
    requirement(
      'Python 3',
      run,
      ['python3', ['--version']],
      'Contrail needs Python 3 to fetch TensorFlow. Install it (Debian: apt install python3).',
    ),
    requirement(
      'pip',
      run,
      ['python3', ['-m', 'pip', '--version']],
      'Contrail needs pip for Python 3. Install it (Debian: apt install python3-pip).',
    ),
    {
      part: 'C++ compiler',
      ok: compiler !== null,
      found: compiler?.output ?? 'none',
      fix: 'Contrail needs a C++ compiler to build the TensorFlow binding. Install one (Debian: apt install g++).',
      forSetUpAlone: true,
    },
  ];
}

/**
 * The first compiler that answers.
 *
 * @param {Run} [run]
 */
export const findCompiler = (run = runProgram) =>
  firstThatRuns(run, ['c++', 'g++', 'clang++'], ['--version'])?.program ?? null;

/** @param {Run} run @param {string[]} programs @param {string[]} args */
function firstThatRuns(run, programs, args) {
  for (const program of programs) {
    try {
      return { program, output: firstLine(run(program, args)) };
    } catch {
      // Not this one.
    }
  }
  return null;
}

/** One of set-up's own tools. @param {string} part @param {Run} run @param {[string, string[]]} command @param {string} fix @returns {Requirement} */
function requirement(part, run, [program, args], fix) {
  try {
    return { part, ok: true, found: firstLine(run(program, args)), fix, forSetUpAlone: true };
  } catch {
    return { part, ok: false, found: 'none', fix, forSetUpAlone: true };
  }
}

/** @param {string} text */
const firstLine = (text) => text.split('\n')[0]?.trim() ?? '';
