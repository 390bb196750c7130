import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { ContrailError } from '../contracts/errors.ts';
import { freePortOf } from '../native/free-port.ts';

/** Which port a server takes: one that it must have, or one that it would rather have than another. */
export type Port = { readonly must: number } | { readonly rather: number };

const loopback = '127.0.0.1';
const listening = '0A';
const stateAt = 3;
const inodeAt = 9;

/**
 * Picks a port of 127.0.0.1.
 *
 * @param option names it among the options of the command
 * @param leftOut what follows where the option is left out
 * @throws ContrailError Usage when one that must be had is taken
 */
export async function choosePort(port: Port, option: string, leftOut = 'a free one is taken'): Promise<number> {
  if ('must' in port && port.must !== 0 && !(await isFree(port.must)))
    throw new ContrailError(
      'Usage',
      `Port ${port.must} on 127.0.0.1 is taken. Stop what uses it, choose another with ${option}, or leave ${option} out: then ${leftOut}.`,
    );
  const wanted = 'must' in port ? port.must : port.rather;
  return wanted !== 0 && (await isFree(wanted)) ? wanted : freePort();
}

/** A free port of an address. @throws ContrailError SetupFailed where there is none */
export async function freePort(host = loopback): Promise<number> {
  const port = await freePortOf(host);
  if (port === null) throw new ContrailError('SetupFailed', `No port is free on ${host}.`);
  return port;
}

const isFree = async (port: number) => (await freePortOf(loopback, port)) !== null;

/** Whether it is this process that listens on a port of IPv4: of two that wanted it, one has it, and it answers both. */
export function listensOn(pid: number, port: number): boolean {
  const place = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(place) && fields[stateAt] === listening)
    .map((fields) => `socket:[${fields[inodeAt]}]`);
  return readdirSync(`/proc/${pid}/fd`).some((name) => {
    try {
      return inodes.includes(readlinkSync(`/proc/${pid}/fd/${name}`));
    } catch {
      // Closed meanwhile.
      return false;
    }
  });
}
