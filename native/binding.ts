import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { ContrailError } from '../contracts/errors.ts';
import { isCurrent, makePart } from './parts.ts';
import { bindingPackage, chosenDevice, type Device, root, tensorflowFolder } from './paths.ts';
import { tensorflowVersion } from './pins.ts';
import { findCompiler } from './preflight.mjs';
import { outputsOf, runProgram } from './programs.ts';

const require = createRequire(import.meta.url);

const libraryFolder = join(bindingPackage, 'deps');
const addonFolder = join(bindingPackage, 'lib', 'napi-v8');

/** The names under which the binding and tfjs look for the library. */
const links = {
  'libtensorflow.so': 'libtensorflow_cc.so.2',
  'libtensorflow_cc.so.2': 'libtensorflow_cc.so.2',
  'libtensorflow_framework.so': 'libtensorflow_framework.so.2',
  'libtensorflow_framework.so.2': 'libtensorflow_framework.so.2',
} as const;

/** Ours, which is compiled into the addon of tfjs-node: it sets the options of sessions. */
const ownSource = join(root, 'native', 'sessions', 'sessions.cc');
/** The module of tfjs-node gets a name by which ours calls it, and its sessions the options that ours makes. */
const joined = ['-Dnapi_register_module_v1=tfjs_register_module', '-Wl,--wrap=TF_NewSessionOptions'] as const;

async function bindingInputs(device: Device): Promise<string> {
  const hash = createHash('sha256').update(tensorflowVersion).update(device).update(joined.join(' '));
  for (const file of await sources()) hash.update(await readFile(file));
  return hash.digest('hex');
}

async function sources(): Promise<string[]> {
  const folder = join(bindingPackage, 'binding');
  const theirs = (await readdir(folder)).filter((name) => name.endsWith('.cc')).sort();
  return [...theirs.map((name) => join(folder, name)), ownSource];
}

export const bindingIsCurrent = async (device: Device): Promise<boolean> =>
  isCurrent(addonFolder, await bindingInputs(device));

/**
 * Refuses to begin work that needs TensorFlow where it is not set up. An update of the npm packages removes the binding.
 *
 * @throws ContrailError SetupFailed
 */
export async function requireTensorFlow(): Promise<void> {
  const device = chosenDevice();
  if (device === null || !(await bindingIsCurrent(device)))
    throw new ContrailError(
      'SetupFailed',
      'TensorFlow is not set up, or an update of the packages removed its binding. Run `contrail setup`.',
    );
}

/**
 * Builds tfjs-node's native addon from the sources in its package and one of ours, against the library's headers and Node's
 * stable native interface, so that one build serves every version of Node.
 */
export async function buildBinding(device: Device): Promise<void> {
  const tensorflow = tensorflowFolder(device);
  await rm(libraryFolder, { recursive: true, force: true });
  await mkdir(join(libraryFolder, 'lib'), { recursive: true });
  await symlink(relative(libraryFolder, join(tensorflow, 'tensorflow', 'include')), join(libraryFolder, 'include'));
  for (const [name, target] of Object.entries(links))
    await symlink(
      relative(join(libraryFolder, 'lib'), join(tensorflow, 'tensorflow', target)),
      join(libraryFolder, 'lib', name),
    );

  const compiler = findCompiler();
  if (!compiler)
    throw new ContrailError(
      'SetupFailed',
      'No C++ compiler was found. Install one (Debian: apt install g++) and run `contrail setup` again.',
    );
  const { include_dir: nodeHeaders } = require('node-api-headers') as { include_dir: string };
  const files = await sources();
  await makePart(addonFolder, await bindingInputs(device), async (temporary) => {
    const output = join(temporary, 'tfjs_binding.node');
    await runProgram(
      compiler,
      [
        ...['-shared', '-fPIC', '-std=c++17', '-O2', '-DNAPI_VERSION=8', ...joined],
        ...[nodeHeaders, join(libraryFolder, 'include'), join(bindingPackage, 'binding')].map(
          (folder) => `-I${folder}`,
        ),
        ...files,
        ...[
          `-L${join(libraryFolder, 'lib')}`,
          '-ltensorflow',
          '-ltensorflow_framework',
          '-Wl,-rpath,$ORIGIN/../../deps/lib',
        ],
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
    const tf = require(${JSON.stringify(bindingPackage)});
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
