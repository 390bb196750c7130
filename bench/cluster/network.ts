import { z } from 'zod';
import { ContrailError } from '../../contracts/errors.ts';
import { runProgram } from '../../native/programs.ts';
import type { Undoing } from './undoing.ts';

/** A machine of its own, as far as the network goes: a namespace with one link to the bridge. */
export interface Machine {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  /** Takes its cable out: nothing is refused, nothing arrives. */
  readonly cutOff: () => Promise<void>;
  readonly heal: () => Promise<void>;
  /** Its processes. */
  readonly processes: () => Promise<readonly number[]>;
}

/** A bridge that nothing but the machines is on. */
export interface Network {
  /** Of this machine on the bridge: what listens there is reached from all others. */
  readonly address: string;
  readonly machines: readonly Machine[];
}

const bridge = 'contrail-bench';
const namespaceOf = (name: string) => `contrail-bench-${name}`;
/** Names of links have 15 characters at most. */
const linkOf = (index: number) => `ctrl-bench-${index}`;
const firstHost = 11;
const subnets = Array.from({ length: 256 }, (_, third) => `10.213.${third}`);

const ip = (...args: readonly string[]) => runProgram('ip', args, {}, 'server');

const routesSchema = z.array(z.object({ dst: z.string() }));

/**
 * Makes a bridge, and a network namespace for each name. They reach the bridge alone: there is no route to anywhere else.
 *
 * @throws ContrailError SetupFailed where this process may not, or remains of an earlier one are there
 */
export async function makeNetwork(names: readonly string[], undoing: Undoing): Promise<Network> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new ContrailError(
      'SetupFailed',
      'Network namespaces need root on Linux. Run this as root, in a container say.',
    );
  const links = z.array(z.object({ ifname: z.string() })).parse(JSON.parse(await ip('-json', 'link', 'show')));
  if (links.some(({ ifname }) => ifname === bridge))
    throw new ContrailError(
      'SetupFailed',
      `There is a bridge ${bridge} already: this measurement runs somewhere else, or was killed. In the second case \`for n in ${names.map(namespaceOf).join(' ')}; do ip netns del $n; done; ip link del ${bridge}\` removes it.`,
    );
  const taken = routesSchema.parse(JSON.parse(await ip('-json', 'route', 'show', 'table', 'all')));
  const subnet = subnets.find((each) => !taken.some(({ dst }) => dst.startsWith(`${each}.`)));
  if (subnet === undefined) throw new ContrailError('SetupFailed', 'Every network in 10.213.0.0/16 has a route here.');
  const address = `${subnet}.1`;
  await ip('link', 'add', bridge, 'type', 'bridge');
  undoing.later(`the bridge ${bridge}`, () => ip('link', 'del', bridge));
  await ip('addr', 'add', `${address}/24`, 'dev', bridge);
  await ip('link', 'set', bridge, 'up');
  const machines: Machine[] = [];
  for (const [index, name] of names.entries())
    machines.push(await addMachine({ name, link: linkOf(index), address: `${subnet}.${firstHost + index}` }, undoing));
  return { address, machines };
}

async function addMachine(
  { name, link, address }: { readonly name: string; readonly link: string; readonly address: string },
  undoing: Undoing,
): Promise<Machine> {
  const namespace = namespaceOf(name);
  await ip('netns', 'add', namespace);
  // Its end of the link goes with it, and the other end with that.
  undoing.later(`the network namespace ${namespace}`, () => ip('netns', 'del', namespace));
  await ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  undoing.later(`the link ${link}`, () => ip('link', 'del', link));
  await ip('link', 'set', link, 'master', bridge);
  await ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
  await ip('-n', namespace, 'link', 'set', 'lo', 'up');
  await ip('-n', namespace, 'link', 'set', 'eth0', 'up');
  await ip('link', 'set', link, 'up');
  return {
    name,
    namespace,
    address,
    cutOff: async () => void (await ip('link', 'set', link, 'down')),
    heal: async () => void (await ip('link', 'set', link, 'up')),
    processes: async () =>
      (await ip('netns', 'pids', namespace))
        .split('\n')
        .filter((line) => line !== '')
        .map(Number),
  };
}
