/** The numbers of gRPC's statuses that are told apart here. */
export const grpc = {
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unavailable: 14,
  unauthenticated: 16,
} as const;

type GrpcCode = (typeof grpc)[keyof typeof grpc];

/** The error, or what directly caused it, with one of these codes; null for any other error. */
export function withGrpcCode(error: unknown, codes: readonly GrpcCode[]): object | null {
  const causes = [error, error instanceof Error ? error.cause : undefined];
  const isOne = (each: unknown): each is object =>
    each instanceof Object && 'code' in each && codes.some((code) => code === each.code);
  return causes.find(isOne) ?? null;
}
