import { ContrailError } from '../../contracts/errors.ts';
import { freePortOf } from '../../native/free-port.ts';

/** A free port of an address. @throws ContrailError SetupFailed */
export async function portAt(host: string): Promise<number> {
  const port = await freePortOf(host);
  if (port === null) throw new ContrailError('SetupFailed', `No port is free on ${host}.`);
  return port;
}
