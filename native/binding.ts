import { mkdir, rename, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ContrailError } from '../contracts/errors.ts';
import { bindingFile, bindingFlags, bindingOf, bindingSources, notSetUp } from './binding-folder.ts';
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

export function bindingIsCurrent(device: Device): Promise<boolean> {
  const { folder, digest } = bindingOf(device);
  return isCurrent(folder, digest);
}

/**
 * Refuses to begin work that needs TensorFlow where it is not set up.
 *
 * @throws ContrailError SetupFailed
 */
export async function requireTensorFlow(): Promise<void> {
  const device = chosenDevice();
  if (device === null || !(await bindingIsCurrent(device))) throw notSetUp();
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
  const { folder, digest } = bindingOf(device);
  await makePart(folder, digest, async (temporary) => {
    const libraries = join(temporary, 'lib');
    await mkdir(libraries);
    for (const [name, target] of Object.entries(links))
      await symlink(relative(libraries, join(tensorflow, target)), join(libraries, name));
    const output = join(temporary, 'tfjs_binding.node');
    await runProgram(
      compiler,
      [
        ...['-shared', '-fPIC', '-std=c++17', '-O2', '-DNAPI_VERSION=8', ...bindingFlags],
        ...[nodeHeaders, join(tensorflow, 'include'), join(bindingPackage, 'binding')].map((path) => `-I${path}`),
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
    const tf = require(${JSON.stringify(fileURLToPath(new URL('tfjs.cjs', import.meta.url)))})(${JSON.stringify(bindingPackage)}, ${JSON.stringify(bindingFile())});
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
