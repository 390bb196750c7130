import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { servedBySchema } from '../../contracts/serving.ts';
import { childrenOf } from '../trainer-processes.ts';
import { load } from './load.ts';
import { promote } from './model.ts';
import { type MeasuredServer, startOurs } from './servers.ts';
import { withModel } from './with-model.ts';

export interface FaultRow {
  readonly what: string;
  /** Requests that were answered with 200. */
  readonly answered: number;
  /** Refused because the server was busy. */
  readonly busy: number;
  /** Told to come again: the process that computes was being replaced. */
  readonly unavailable: number;
  /** Any other failure, broken connections included. */
  readonly failed: number;
  readonly figure: string;
  readonly value: number;
}

const connections = 32;
const tooMany = 256;
const settleMs = 3000;

/** What happens to `contrail serve` under load: more than it can do, deaths, and another version. */
export const benchServeFaults = (): Promise<FaultRow[]> =>
  withModel(async ({ store, storeUrl, train, photo }) => {
    const [first, second] = [await train(1), await train(2)];
    await promote(store, 'bench', first);
    let server = await startOurs(storeUrl, 'bench');
    try {
      const rows = [await overload(server, photo)];
      rows.push(await killProcess(server, photo));
      const { row, next } = await killServer(server, photo, (port) => startOurs(storeUrl, 'bench', port));
      server = next;
      rows.push(row, await swap(server, photo, () => promote(store, 'bench', second)));
      return rows;
    } finally {
      await server.stop();
    }
  });

/** Far more connections of one client than its share: memory after a first while and after a second. */
async function overload(server: MeasuredServer, photo: string): Promise<FaultRow> {
  const url = `${server.url}/v1/predict`;
  await load(url, photo, { connections: tooMany, seconds: 8 });
  const before = server.memory();
  const { statuses, errors } = await load(url, photo, { connections: tooMany, seconds: 16 });
  return {
    what: `${tooMany} connections of one client, which may have 96 requests in work`,
    ...countsOf(statuses, errors),
    figure: 'MiB more after 16 s',
    value: server.memory() - before,
  };
}

/** The process that computes is killed. */
async function killProcess(server: MeasuredServer, photo: string): Promise<FaultRow> {
  const client = await openClients(server.url, photo);
  await wait(settleMs);
  const [pid] = childrenOf(server.child.pid ?? 0);
  if (pid === undefined) throw new Error('the server has no process that computes');
  process.kill(pid, 'SIGKILL');
  const since = performance.now();
  const restarts = async () =>
    (await (await fetch(`${server.url}/metrics`)).text()).includes('process_restarts_total 1');
  while (!(await restarts())) await wait(20);
  const seconds = (performance.now() - since) / 1000;
  await wait(settleMs);
  return {
    what: 'kill -9 of TensorFlow',
    ...(await client.end()),
    figure: 's until it computes again',
    value: seconds,
  };
}

/** The server is killed and started again, as systemd does it. */
async function killServer(
  server: MeasuredServer,
  photo: string,
  start: (port: number) => Promise<MeasuredServer>,
): Promise<{ row: FaultRow; next: MeasuredServer }> {
  const [child] = childrenOf(server.child.pid ?? 0);
  const client = await openClients(server.url, photo);
  await wait(settleMs);
  server.child.kill('SIGKILL');
  const since = performance.now();
  const next = await start(Number(new URL(server.url).port));
  const seconds = (performance.now() - since) / 1000;
  await wait(settleMs);
  const counts = await client.end();
  if (child !== undefined && (await isAlive(child))) throw new Error('the process that computes outlived its server');
  return { row: { what: 'kill -9 of the server', ...counts, figure: 's until another answers', value: seconds }, next };
}

/** Another version is promoted. */
async function swap(server: MeasuredServer, photo: string, change: () => Promise<number>): Promise<FaultRow> {
  const client = await openClients(server.url, photo);
  await wait(settleMs);
  const since = performance.now();
  const version = await change();
  while (!client.versions().has(version)) await wait(20);
  const seconds = (performance.now() - since) / 1000;
  await wait(settleMs);
  const counts = await client.end();
  if (client.mixed() > 0) throw new Error(`${client.mixed()} answers named a version with the parts of another`);
  return { what: 'promotion of another version', ...counts, figure: 's until it serves', value: seconds };
}

const answerSchema = servedBySchema.extend({ results: z.array(z.json()) });
type Counts = Pick<FaultRow, 'answered' | 'busy' | 'unavailable' | 'failed'>;

/** Clients that ask again as soon as they are answered, and look at what the answers say. */
async function openClients(url: string, photo: string) {
  const body = new Uint8Array(await readFile(photo));
  const statuses: Record<string, number> = {};
  /** What each version has said of the one photo. */
  const said = new Map<number, string>();
  let errors = 0;
  let mixed = 0;
  let isOver = false;
  const client = async () => {
    while (!isOver) {
      try {
        const answer = await fetch(`${url}/v1/predict`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'image/jpeg' },
        });
        statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
        const text = await answer.text();
        if (answer.status !== 200) {
          await wait(50);
          continue;
        }
        const { version } = answerSchema.parse(JSON.parse(text));
        if ((said.get(version ?? 0) ?? text) !== text) mixed++;
        said.set(version ?? 0, text);
      } catch {
        errors++;
        await wait(50);
      }
    }
  };
  const clients = Promise.all(Array.from({ length: connections }, client));
  return {
    versions: (): ReadonlySet<number> => new Set(said.keys()),
    mixed: () => mixed,
    end: async (): Promise<Counts> => {
      isOver = true;
      await clients;
      return countsOf(statuses, errors);
    },
  };
}

function countsOf(statuses: Readonly<Record<string, number>>, errors: number): Counts {
  const { 200: answered = 0, 429: busy = 0, 503: unavailable = 0, ...others } = statuses;
  return { answered, busy, unavailable, failed: errors + Object.values(others).reduce((a, b) => a + b, 0) };
}

async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
