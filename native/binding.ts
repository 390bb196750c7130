import { mkdir, rename, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { ContrailError } from '../contracts/errors.ts';
import { bindingDigest, bindingFile, bindingFlags, bindingFolder, bindingSources } from './binding-folder.ts';
import { isCurrent, makePart } from './parts.ts';
import { bindingPackage, chosenDevice, type Device, tensorflowFolder } from './paths.ts';
import { findCompiler } from './preflight.mjs';
import { outputsOf, runProgram } from './programs.ts';

const require = createRequire(import.meta.url);

/** The names under which the binding looks for the library. */
const links = {
  'libtensorflow.so': 'libtensorflow_cc.so.2',
  'libtensorflow_cc.so.2': 'libtensorflow_cc.so.2',
  'libtensorflow_framework.so': 'libtensorflow_framework.so.2',
  'libtensorflow_framework.so.2': 'libtensorflow_framework.so.2',
} as const;

export const bindingIsCurrent = (device: Device): Promise<boolean> =>
  isCurrent(bindingFolder(device), bindingDigest(device));

/**
 * Refuses to begin work that needs TensorFlow where it is not set up.
 *
 * @throws ContrailError SetupFailed
 */
export async function requireTensorFlow(): Promise<void> {
  const device = chosenDevice();
  if (device === null || !(await bindingIsCurrent(device)))
    throw new ContrailError(
      'SetupFailed',
      'TensorFlow is not set up, or for another version of Contrail. Run `contrail setup`.',
    );
}

/**
 * Builds tfjs-node's native addon from the sources in its package and one of ours, against the library's headers and Node's
 * stable native interface, so that one build serves every version of Node.
 */
export async function buildBinding(device: Device): Promise<void> {
  const compiler = findCompiler();
  if (!compiler)
    throw new ContrailError(
      'SetupFailed',
      'No C++ compiler was found. Install one (Debian: apt install g++) and run `contrail setup` again.',
    );
  const { include_dir: nodeHeaders } = require('node-api-headers') as { include_dir: string };
  const tensorflow = join(tensorflowFolder(device), 'tensorflow');
  await makePart(bindingFolder(device), bindingDigest(device), async (temporary) => {
    const libraries = join(temporary, 'lib');
    await mkdir(libraries);
    for (const [name, target] of Object.entries(links))
      await symlink(relative(libraries, join(tensorflow, target)), join(libraries, name));
    const output = join(temporary, 'tfjs_binding.node');
    await runProgram(
      compiler,
      [
        ...['-shared', '-fPIC', '-std=c++17', '-O2', '-DNAPI_VERSION=8', ...bindingFlags],
        ...[nodeHeaders, join(tensorflow, 'include'), join(bindingPackage, 'binding')].map((folder) => `-I${folder}`),
        ...bindingSources(),
        ...[`-L${libraries}`, '-ltensorflow', '-ltensorflow_framework', '-Wl,-rpath,$ORIGIN/lib'],
        ...['-o', `${output}.part`],
      ],
      {},
      'set-up',
    );
    await rename(`${output}.part`, output);
  });
}

/**
 * Loads the binding in a process of its own and multiplies two matrices with it.
 *
 * @returns TensorFlow's version and device, and what it wrote meanwhile: libraries that it missed among it
 */
export async function probeBinding(
  environment: Readonly<Record<string, string>>,
): Promise<{ version: string; device: Device; log: string }> {
  const program = `
    const util = require('node:util');
    util.isNullOrUndefined ??= (value) => value === null || value === undefined;
    util.isArray ??= Array.isArray;
    const tfjs = ${JSON.stringify(bindingPackage)};
    require('node:module').createRequire(tfjs + '/package.json')('@mapbox/node-pre-gyp/lib/pre-binding.js').find = () => ${JSON.stringify(bindingFile())};
    const tf = require(tfjs);
    if (tf.matMul([[1, 2]], [[3], [4]]).dataSync()[0] !== 11) throw new Error('a matrix product came out wrong');
    console.log(JSON.stringify({ version: tf.backend().binding.TF_Version, device: tf.backend().isUsingGpuDevice ? 'gpu' : 'cpu' }));`;
  const { stdout, stderr } = await outputsOf(process.execPath, ['-e', program], {
    ...environment,
    TF_CPP_MIN_LOG_LEVEL: '0',
    TF_CPP_VMODULE: 'dso_loader=2',
  });
  const found = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { version: string; device: Device };
  return { ...found, log: stderr };
}
