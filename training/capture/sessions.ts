import protobuf from 'protobufjs';
import { backend } from './backend.ts';
import { CaptureError } from './errors.ts';

/** How TensorFlow runs the graph of a session. */
export interface SessionSettings {
  /** Devices of CPUs that the session has: parts of one CPU, for nodes that name them. @default 1 */
  readonly cpus?: number;
  /**
   * Whether TensorFlow may put operations in the place of those that were recorded, as its arithmetic, remapping and folding optimizers do. They
   * are faster and round differently, and where they do it depends on what else is in the graph: a step that is to have the same
   * bits alone and beside others does without. @default true
   */
  readonly rewrites?: boolean;
}

/** The part of TensorFlow's config.proto and rewriter_config.proto that is set here. */
const ConfigProto = protobuf
  .parse(`
  syntax = "proto3";
  message RewriterConfig { int32 constant_folding = 3; int32 arithmetic_optimization = 7; int32 remapping = 14; }
  message GraphOptions { RewriterConfig rewrite_options = 10; }
  message ConfigProto { map<string, int32> device_count = 1; bool allow_soft_placement = 7; GraphOptions graph_options = 10; }
`)
  .root.lookupType('ConfigProto');
const off = 2;

function encode({ cpus = 1, rewrites = true }: SessionSettings): Uint8Array {
  const rewriteOptions = { constantFolding: off, arithmeticOptimization: off, remapping: off };
  return ConfigProto.encode({
    ...(cpus > 1 ? { deviceCount: { CPU: cpus } } : {}),
    // What has no kernel for the device that it names runs on the CPU, as everything does that names none.
    allowSoftPlacement: true,
    ...(rewrites ? {} : { graphOptions: { rewriteOptions } }),
  }).finish();
}

/** Opens sessions with settings. Without any they are TensorFlow's own. */
export function withSessionSettings<T>(settings: SessionSettings | undefined, open: () => T): T {
  if (settings === undefined) return open();
  const { binding } = backend();
  if (!binding.setSessionConfig)
    throw new CaptureError('The TensorFlow binding was built by an earlier version. Run `contrail setup`.');
  binding.setSessionConfig(encode(settings));
  try {
    return open();
  } finally {
    binding.setSessionConfig(new Uint8Array());
  }
}

/** TensorFlow's names of the devices that a session with these settings has: `/device:GPU:0`. */
export const sessionDevices = (settings: SessionSettings): readonly string[] =>
  withSessionSettings(settings, () => backend().binding.sessionDevices?.() ?? []).map((name) =>
    name.slice(name.indexOf('/device:')),
  );
