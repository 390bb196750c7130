import { drawOf } from './draw.ts';
import { leftOn, orphansAfterCollection, problemsIn } from './left.ts';
import { orderSchema, type Said } from './messages.ts';
import { completeRun } from './run.ts';
import { trial } from './trial.ts';
import { workloads as all, type Workload } from './workloads/index.ts';
import { startWorld } from './world.ts';

/** `disturb.ts <order>`: one world, in a process of its own, and runs in it that things are done to. */
const order = orderSchema.parse(JSON.parse(process.argv[2] ?? ''));
const say = (said: Said) => process.stdout.write(`${JSON.stringify(said)}\n`);
/** Of one run. */
const mostFaults = 8;

const draw = drawOf(order.seed, order.world);
const chosen = all.filter(([{ name }]) => order.workloads.length === 0 || order.workloads.includes(name));
const drawn: readonly Workload[] = chosen.flatMap(([workload, weight]) => new Array<Workload>(weight).fill(workload));
const world = await startWorld(order.kind);
const references = new Map<string, unknown>();
const damaged = new Set<string>();

/** What a workload comes to where nothing happens; it is prepared before the first time. */
async function referenceOf(workload: Workload): Promise<unknown> {
  const { name } = workload;
  if (!references.has(name)) {
    await workload.prepare?.(world);
    const results = await completeRun(world, `w${order.world}-${name}`, await workload.pipeline(world));
    references.set(name, workload.outcome(results));
  }
  return references.get(name);
}

let left = order.faults;
for (let at = 0; left > 0 && (order.until === null || Date.now() < order.until); at++) {
  const own = draw.of(at);
  const workload = own.oneOf('workload', drawn);
  const reference = await referenceOf(workload);
  const most = Math.min(left, own.between('faults', 3, mostFaults));
  const run = `w${order.world}-${at}-${workload.name}`;
  const result = await trial(world, workload, { run, draw: own, most, reference, damaged });
  left -= result.struck.length;
  say({ is: 'run', ...result });
}
const problems = await problemsIn(world, damaged);
const orphans = await orphansAfterCollection(world);
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
