import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { parseJsonWithin, TooDeep } from '../../contracts/json-within.ts';
import { formatBytes } from '../../contracts/limits.ts';

/**
 * Node's own protocol between a parent and a child that has `process.send`, spoken by the parent itself: JSON, a message a
 * line. Node's side of it throws inside an event handler where a line is no JSON or too long for a string, which ends the
 * parent; here such a line is told of like any other message.
 *
 * Owns: framing and the limit of a message's length.
 * Does not own: what a message means.
 */
export interface Channel {
  /** Fails, by the callback, once the child cannot be reached. */
  readonly send: (message: object, done: (error?: Error | null) => void) => void;
  /** The child's process gets `disconnect`. */
  readonly disconnect: () => void;
  /** Who hears what the child says from now on; null for nobody. */
  readonly listen: (listener: ChannelListener | null) => void;
}

export type ChannelListener = (
  said: { readonly message: unknown } | { readonly unreadable: string; readonly why: string },
) => void;

/** The longest message. The largest of a trainer, images for people to look at, has some megabytes. */
const maximumMessageBytes = 64 * 1024 * 1024;

/** The number of the channel among the child's streams, and the variables that tell Node of it. */
const channelNumber = 3;
export const channelEnvironment = {
  NODE_CHANNEL_FD: String(channelNumber),
  NODE_CHANNEL_SERIALIZATION_MODE: 'json',
} as const;

/** How much of a message is shown to people. */
const shownCharacters = 200;

/** A message as people are shown it: its beginning. */
export const excerpt = (text: string): string =>
  text.length <= shownCharacters ? text : `${text.slice(0, shownCharacters)}… (${text.length} characters)`;

/** Opens the channel of a process that was started with `channelEnvironment` and a pipe at `channelNumber`. */
export function openChannel(child: ChildProcess): Channel {
  // Absent where the process could not be started for want of file descriptors.
  const stream = child.stdio?.[channelNumber] as Duplex | undefined;
  let listener: ChannelListener | null = null;
  let parts: Buffer[] = [];
  let length = 0;
  /** The rest of a message that was too long is passed over. */
  let skipping = false;

  const end = (line: Buffer) => {
    if (!skipping) listener?.(readLine(line));
    skipping = false;
    parts = [];
    length = 0;
  };
  const add = (part: Buffer) => {
    if (skipping) return;
    parts.push(part);
    length += part.length;
    if (length <= maximumMessageBytes) return;
    const unreadable = excerpt(Buffer.concat(parts).toString('utf8', 0, shownCharacters));
    parts = [];
    length = 0;
    skipping = true;
    listener?.({ unreadable, why: `longer than ${formatBytes(maximumMessageBytes)}` });
  };
  stream?.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, start)) {
      add(chunk.subarray(start, at));
      end(Buffer.concat(parts));
      start = at + 1;
    }
    if (start < chunk.length) add(chunk.subarray(start));
  });
  // What cannot be written is told to who sends; the child's end is told by the process.
  stream?.on('error', () => {});

  return {
    send: (message, done) => {
      if (!stream?.writable) done(new Error('its channel is closed'));
      else stream.write(`${JSON.stringify(message)}\n`, done);
    },
    disconnect: () => void stream?.destroy(),
    listen: (next) => {
      listener = next;
    },
  };
}

function readLine(line: Buffer): Parameters<ChannelListener>[0] {
  const text = line.toString('utf8');
  try {
    return { message: parseJsonWithin(text) };
  } catch (error) {
    return { unreadable: excerpt(text), why: error instanceof TooDeep ? error.message : 'no JSON' };
  }
}
