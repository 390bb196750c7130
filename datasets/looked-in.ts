import { isAbsolute } from 'node:path';

/** Where a path that is not there was looked for, as a sentence after the message. Empty for one that says so itself. */
export const lookedIn = (path: string): string =>
  isAbsolute(path) ? '' : ` A relative path begins in ${process.cwd()}, where this process was started.`;
