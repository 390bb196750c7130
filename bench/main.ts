import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { fastEnvironment } from '../training/process/environment.ts';
import { tf } from '../training/tensorflow.ts';
import { benchAgreement } from './agreement.ts';
import { benchAlerts } from './alerts.ts';
import { benchBits } from './bits.ts';
import { benchCapture } from './capture.ts';
import { cleanlabEnvironment } from './cleanlab/environment.ts';
import { benchCluster } from './cluster/cluster.ts';
import { benchDrift } from './drift/drift.ts';
import { benchEncoderSteps, benchEncoders } from './encoders.ts';
import { benchEngine } from './engine/engine.ts';
import { dagsterEnvironment } from './engine/environment.ts';
import { benchLoad } from './engine/load.ts';
import { benchEpoch } from './epoch.ts';
import { benchEquality } from './equality.ts';
import { benchExport } from './export.ts';
import { benchImage } from './image/rehearse.ts';
import { kerasEnvironment } from './keras/environment.ts';
import { type KerasPeer, openKeras } from './keras/peer.ts';
import { benchKilledEmbedding } from './killed-embedding.ts';
import { benchLabelSuspects } from './label-suspects.ts';
import { benchLimit } from './limit.ts';
import { benchManyClasses } from './many-classes/many-classes.ts';
import { benchManyImages } from './many-classes/many-images.ts';
import { benchMemory } from './memory.ts';
import { onnxEnvironment } from './onnx/environment.ts';
import { benchOnnx } from './onnx/onnx.ts';
import { benchOverhead } from './overhead.ts';
import { benchProfile } from './profile.ts';
import { pytorchEnvironment } from './pytorch/environment.ts';
import { openPytorch, type PytorchPeer } from './pytorch/peer.ts';
import { benchReading } from './reading/reading.ts';
import { benchReadingSteps } from './reading/steps.ts';
import { benchReplicaCosts } from './replica-costs.ts';
import { benchReplicas } from './replicas.ts';
import { benchServe } from './serve/beside-fastapi.ts';
import { benchServeFaults } from './serve/faults.ts';
import { benchSteps, type PytorchPeers } from './steps.ts';
import { benchBesideRay } from './sweeps/beside-ray.ts';
import { rayEnvironment } from './sweeps/environment.ts';
import { benchKilledSweep } from './sweeps/killed-sweep.ts';
import { benchTensorboard, tensorboardEnvironment } from './tensorboard/tensorboard.ts';
import { benchUnknown } from './unknown.ts';
import { faissEnvironment } from './vectors/environment.ts';
import { benchVectors } from './vectors/vectors.ts';

// TensorFlow reads its settings at its first operation.
tf.tidy(() => tf.matMul(tf.ones([2, 2]), tf.ones([2, 2])).dataSync());
// The C library has read these, and so has TensorFlow; the processes that the tables start get them where they are meant to.
for (const name of Object.keys(fastEnvironment)) delete process.env[name];

const kerasPeers = new Map<'default' | 'ours', Promise<KerasPeer>>();

/** Keras with the settings of our trainers or without; started when a table first asks for it. */
function keras(settings: 'default' | 'ours'): Promise<KerasPeer> {
  const peer = kerasPeers.get(settings) ?? openKeras(settings);
  kerasPeers.set(settings, peer);
  return peer;
}

const pytorchPeers = new Map<'eager' | 'compiled', Promise<PytorchPeer>>();

/** Through `torch.compile` or not; started when a table first asks for it. */
function pytorch(how: 'eager' | 'compiled'): Promise<PytorchPeer> {
  const start = async () => openPytorch({ python: await pytorchEnvironment(), compile: how === 'compiled' });
  const peer = pytorchPeers.get(how) ?? start();
  pytorchPeers.set(how, peer);
  return peer;
}

/** Both for a table that can do without them: null where they cannot be had, and why. */
async function pytorchIfAny(): Promise<PytorchPeers | null> {
  try {
    return { eager: await pytorch('eager'), compiled: await pytorch('compiled') };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`PyTorch cannot be installed here, so its columns stay empty: ${reason}\n`);
    return null;
  }
}

/** Each gives the rows of a table; `turns` is how often those that take turns do, `only` picks rows of the long ones. */
type Bench = (turns: number, only: string, vectors: number) => Promise<readonly object[]>;
const benches: Readonly<Record<string, Bench>> = {
  equality: (_, only) => benchEquality(only),
  steps: async (turns, only) =>
    benchSteps(await keras('default'), await keras('ours'), await pytorchIfAny(), turns, only),
  agreement: async () => benchAgreement(await pytorch('eager')),
  encoders: async (_, only) => benchEncoders(await pytorch('eager'), only),
  'encoder-steps': async (turns, only) =>
    benchEncoderSteps({ eager: await pytorch('eager'), compiled: await pytorch('compiled') }, turns, only),
  epoch: async (turns, only) => benchEpoch(await keras('default'), turns, only),
  capture: () => benchCapture(),
  memory: () => benchMemory(),
  bits: () => benchBits(),
  replicas: (turns, only) => benchReplicas(turns, only),
  'replica-costs': (turns) => benchReplicaCosts(turns),
  limit: async (turns) => benchLimit(await keras('default'), turns),
  profile: async () => benchProfile(await keras('ours')),
  overhead: (turns) => benchOverhead(turns),
  export: async () => benchExport(await keras('default')),
  engine: async () => benchEngine(await dagsterEnvironment()),
  load: (_, only) => benchLoad(only),
  embed: (_, only) => benchKilledEmbedding(only),
  sweep: () => benchKilledSweep(),
  'sweep-ray': async () => benchBesideRay(await rayEnvironment()),
  'many-classes': (_, only) => benchManyClasses(only),
  'many-images': (_, only) => benchManyImages(only),
  suspects: async () => benchLabelSuspects(await cleanlabEnvironment()),
  reading: async (turns) =>
    benchReading({ keras: await kerasEnvironment(), pytorch: await pytorchEnvironment() }, turns),
  'reading-steps': (turns, only) => benchReadingSteps(turns, only),
  onnx: async (_, only) => benchOnnx(await onnxEnvironment(), only),
  drift: (_, only) => benchDrift(only),
  unknown: (_, only) => benchUnknown(only),
  serve: (turns) => benchServe(turns),
  'serve-faults': () => benchServeFaults(),
  index: async (_, only, vectors) => benchVectors(await faissEnvironment(), vectors, only),
  tensorboard: async () => benchTensorboard(await tensorboardEnvironment()),
  alerts: () => benchAlerts(),
  image: () => benchImage(),
  cluster: () => benchCluster(),
};
const tables = Object.keys(benches);

const { chosen, turns, only, vectors, json } = parseCommandLine();

const results: Record<string, readonly object[]> = {};
for (const name of chosen) {
  process.stderr.write(`${name} …\n`);
  try {
    const rows = (await benches[name]?.(turns, only, vectors)) ?? [];
    results[name] = rows;
    if (!json) print(name, rows);
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
    break;
  }
}
if (json && process.exitCode === undefined) process.stdout.write(`${JSON.stringify(results)}\n`);
for (const peer of [...kerasPeers.values(), ...pytorchPeers.values()])
  await peer.then(
    ({ close }) => close(),
    () => {},
  );
// A table that failed may have left a connection that waits.
process.exit();

/** The command line; a mistake in it ends the process with the usage. */
function parseCommandLine(): {
  readonly chosen: readonly string[];
  readonly turns: number;
  readonly only: string;
  readonly vectors: number;
  readonly json: boolean;
} {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        turns: { type: 'string', default: '6' },
        only: { type: 'string', default: '' },
        vectors: { type: 'string', default: '100000' },
      },
    });
    const unknown = positionals.find((name) => !tables.includes(name));
    if (unknown !== undefined) throw new Error(`There is no table ${unknown}.`);
    const turns = Number(values.turns);
    if (!Number.isInteger(turns) || turns < 1)
      throw new Error(`--turns is a whole number from 1, not ${values.turns}.`);
    const vectors = Number(values.vectors);
    if (!Number.isInteger(vectors) || vectors < 1000)
      throw new Error(`--vectors is a whole number from 1000, not ${values.vectors}.`);
    return {
      chosen: positionals.length > 0 ? positionals : tables,
      turns,
      only: values.only,
      vectors,
      json: values.json,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `${reason}\nUsage: npm run bench -- [${tables.join('|')}]... [--turns N] [--only TEXT] [--vectors N] [--json]\n`,
    );
    process.exit(2);
  }
}

function print(name: string, rows: readonly object[]): void {
  const head = Object.keys(rows[0] ?? {});
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const row of rows) table.push(Object.values(row).map(format));
  process.stdout.write(`${name}\n${table.toString()}\n`);
}

function format(value: unknown): string {
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'number') return String(value);
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) < 0.01 ? value.toExponential(1) : value.toFixed(2);
}
