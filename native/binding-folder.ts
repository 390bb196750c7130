import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ContrailError } from '../contracts/errors.ts';
import { bindingPackage, chosenDevice, type Device, nativeFolder, root } from './paths.ts';
import { tensorflowVersion } from './pins.ts';

/** Ours, which is compiled into the addon of tfjs-node: it sets the options of sessions. */
const ownSource = join(root, 'native', 'sessions', 'sessions.cc');
/** The module of tfjs-node gets a name by which ours calls it, and its sessions the options that ours makes. */
export const bindingFlags = [
  '-Dnapi_register_module_v1=tfjs_register_module',
  '-Wl,--wrap=TF_NewSessionOptions',
] as const;

/** The sources of the binding: tfjs-node's, and ours. */
export function bindingSources(): string[] {
  const folder = join(bindingPackage, 'binding');
  const theirs = readdirSync(folder).filter((name) => name.endsWith('.cc'));
  return [...theirs.sort().map((name) => join(folder, name)), ownSource];
}

/**
 * The binding of a device: the digest of what it is made from, and where it lies. Versions of Contrail that share a cache have one each,
 * unless theirs are the same.
 */
export function bindingOf(device: Device): { readonly digest: string; readonly folder: string } {
  const hash = createHash('sha256').update(tensorflowVersion).update(device).update(bindingFlags.join(' '));
  for (const file of bindingSources()) hash.update(readFileSync(file));
  const digest = hash.digest('hex');
  return { digest, folder: join(nativeFolder, `binding-${digest.slice(0, 16)}`) };
}

export const notSetUp = (): ContrailError =>
  new ContrailError(
    'SetupFailed',
    'TensorFlow is not set up, or for another version of Contrail. Run `contrail setup`.',
  );

/**
 * The binding of the device that TensorFlow was set up for.
 *
 * @throws ContrailError SetupFailed where it is not there
 */
export function bindingFile(): string {
  const file = join(bindingOf(chosenDevice() ?? 'cpu').folder, 'tfjs_binding.node');
  if (!existsSync(file)) throw notSetUp();
  return file;
}
