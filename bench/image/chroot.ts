import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** Where and as whom a program runs in the file system of an image. */
export interface Inside {
  readonly root: string;
  readonly workingFolder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly uid: number;
  readonly gid: number;
  /**
   * A folder of this machine in the place of the image's home, as a volume. With one, everything else is read-only but for /tmp, from which nothing
   * is executed, and the process has no capabilities and gets none: what deploy/ asks for. Null where an image is built.
   */
  readonly home: string | null;
}

/** In a namespace of mounts of its own, which goes with its processes. */
const enter = `set -eu
root=$1 home=$2 directory=$3 uid=$4 gid=$5; shift 5
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
if [ -z "$home" ]; then exec chroot "$root" /usr/bin/env -i --chdir="$directory" "$@"; fi
mount --bind "$home" "$root/var/lib/contrail"
mount -t tmpfs -o noexec,nosuid,nodev,mode=1777 tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"
exec chroot "$root" /usr/bin/setpriv --reuid="$uid" --regid="$gid" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all /usr/bin/env -i --chdir="$directory" "$@"
`;

/** Starts a program there. @param args the program and its arguments */
export const startInside = (
  { root, home, workingFolder, environment, uid, gid }: Inside,
  args: readonly string[],
): ChildProcess =>
  spawn(
    'unshare',
    [
      ...['--mount', '--propagation=private', '/bin/sh', '-c', enter, 'enter'],
      ...[root, home ?? '', workingFolder, String(uid), String(gid)],
      ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH } },
  );

/** Runs a program there to its end. @returns what it printed @throws Error with its last lines where it fails */
export async function runInside(inside: Inside, args: readonly string[]): Promise<string> {
  const child = startInside(inside, args);
  const [printed, said] = [textOf([child.stdout]), outputOf(child)];
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0)
    throw new Error(`${args.join(' ')} ended with ${code}: ${said().trim().split('\n').slice(-15).join('\n')}`);
  return printed();
}

/** What a process says, as far as it has come. */
export const outputOf = ({ stdout, stderr }: ChildProcess): (() => string) => textOf([stdout, stderr]);

function textOf(streams: readonly (Readable | null)[]): () => string {
  let said = '';
  for (const stream of streams)
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  return () => said;
}
