import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leftOn, orphansAfterCollection, problemsIn } from './afterwards.ts';
import { drawOf } from './draw.ts';
import { orderSchema, type Said, type WorkloadName, workloadNames, workloadWeights } from './messages.ts';
import { processesOf, send } from './processes.ts';
import { type Workload, workloads } from './workloads/index.ts';
import { startWorld } from './world.ts';

/** `disturb.ts <order>`: one world, in a process of its own, and runs in it that things are done to. */
const order = orderSchema.parse(JSON.parse(process.argv[2] ?? ''));
const say = (said: Said) => process.stdout.write(`${JSON.stringify(said)}\n`);
/** Of one run. */
const mostFaults = 8;

const draw = drawOf(order.seed, order.world);
const chosen = order.workloads.length === 0 ? workloadNames : order.workloads;
const drawn = chosen.flatMap((name) => new Array<WorkloadName>(workloadWeights[name]).fill(name));
const folder = await mkdtemp(join(tmpdir(), 'contrail-chaos-'));
/** Nothing outlives this process, and it does not outlive the one that started it. */
process.on('exit', () => {
  for (const pid of processesOf(folder)) send(pid, 'SIGKILL');
});
process.once('disconnect', () => process.exit(1));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const world = await startWorld(order.kind, folder);
const references = new Map<string, unknown>();
const damaged = new Set<string>();

async function referenceOf(workload: Workload): Promise<unknown> {
  if (!references.has(workload.name)) references.set(workload.name, await workload.reference(world));
  return references.get(workload.name);
}

let left = order.faults;
for (let at = 0; left > 0 && (order.until === null || Date.now() < order.until); at++) {
  const own = draw.of(at);
  const workload = workloads[own.oneOf('workload', drawn)];
  const reference = await referenceOf(workload);
  const most = Math.min(left, own.between('faults', 3, mostFaults));
  const run = `w${order.world}-${at}-${workload.name}`;
  const result = await workload.trial(world, { run, draw: own, most, reference, damaged });
  left -= result.struck.length;
  say({ is: 'run', ...result });
}
const problems = await problemsIn(world, damaged);
const orphans = await orphansAfterCollection(world, damaged);
const ends = await world.stop();
const rest = [
  ...problems,
  ...orphans.map((path) => `${path} belongs to nothing, and no collection removes it`),
  ...ends.filter((end) => end !== 'exit code 0').map((end) => `a worker ended with ${end} when it was asked to leave`),
  ...(await leftOn(world)),
];
say({ is: 'world', world: order.world, kind: order.kind, left: rest });
if (rest.length === 0) await world.remove();
else process.stderr.write(`world ${order.world} is kept in ${world.folder}\n`);
process.exit(0);
