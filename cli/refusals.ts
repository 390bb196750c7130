import { grpc, withGrpcCode } from './grpc.ts';

/** What the server says of a request that it does not understand; null for any other error. */
export function refusalOf(error: unknown): string | null {
  // The client gives some of these as a TypeError with the server's words.
  if (error instanceof TypeError) return error.message;
  const found = withGrpcCode(error, [grpc.invalidArgument]);
  return found && 'details' in found ? String(found.details) : null;
}
