const invalidArgument = 3;

/** What the server says of a request that it does not understand; null for any other error. */
export function refusalOf(error: unknown): string | null {
  // The client gives some of these as a TypeError with the server's words.
  if (error instanceof TypeError) return error.message;
  const causes = [error, error instanceof Error ? error.cause : undefined];
  const found = causes.find((each) => each instanceof Object && 'code' in each && each.code === invalidArgument);
  return found instanceof Object && 'details' in found ? String(found.details) : null;
}
