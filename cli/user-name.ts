import { userInfo } from 'node:os';

/** Who runs this process; its number where no file of users knows it, as in a container under a uid of the cluster's choice. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`;
  }
}
