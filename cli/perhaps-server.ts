import { isContrailError } from '../contracts/errors.ts';
import { type ServerClient, withServer } from './connection.ts';
import { grpc, withGrpcCode } from './grpc.ts';
import { say } from './output.ts';

/** Whether an error says that no server answers, or that it has just gone away. */
export function isServerAway(error: unknown): boolean {
  if (isContrailError(error)) return error.code === 'ServerUnreachable';
  return withGrpcCode(error, [grpc.deadlineExceeded, grpc.unavailable]) !== null;
}

/**
 * Works with the server, or with null where none answers but the store can: then a line says so. `work` prints nothing before
 * its last question to the server.
 *
 * @param storeKnows whether the store has anything to say
 * @throws ContrailError ServerUnreachable where it has not
 */
export async function withServerIfAny<T>(
  storeKnows: () => Promise<boolean>,
  work: (server: ServerClient | null) => Promise<T>,
): Promise<T> {
  try {
    return await withServer(work);
  } catch (error) {
    if (!isServerAway(error) || !(await storeKnows())) throw error;
    const why = isContrailError(error) ? ` ${error.message}` : '';
    say(`The server does not answer; this is what the store knows.${why}`);
    return work(null);
  }
}
