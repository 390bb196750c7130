import { explained } from '../../../contracts/system-errors.ts';
import type { Random } from './random.ts';

/** What is changed of an input: any of its bytes, the words of a text, or the structure of JSON or of lines of it. */
export type Form = 'bytes' | 'text' | 'json' | 'json-lines';

/** A part of an input that has a form of its own. */
export interface Region {
  readonly from: number;
  readonly to: number;
  readonly form: Form;
}

/** Something that reads what comes from outside. */
export interface Target {
  readonly name: string;
  /** What it reads, in a few words. */
  readonly reads: string;
  /** Of an input as a whole. */
  readonly form: Form;
  /** Words of its language. */
  readonly tokens?: readonly string[];
  /** Where another form lies in an input; null where it cannot be found. Every other change is then made there. */
  readonly region?: (input: Uint8Array) => Region | null;
  /** Makes check sums, lengths and the like right again, so that what lies behind them is reached; for half of the inputs. */
  readonly repair?: (input: Uint8Array, random: Random) => Uint8Array;
  /** The longest input. @default 64 KiB */
  readonly mostBytes?: number;
  /** What one input may add to the memory of its process. @default 512 MiB */
  readonly memoryBytes?: number;
  /** In the process that runs the inputs: loads what reads them. */
  readonly open: (around: Around) => Promise<OpenTarget>;
}

export interface Around {
  /** A folder that is removed afterwards. */
  readonly folder: string;
}

export interface OpenTarget {
  /** Sound inputs, as those write them that the target reads from. */
  readonly seeds: readonly Uint8Array[];
  /**
   * Reads an input.
   *
   * @returns in a few words what came of it: equal words for equal outcomes
   * @throws what the reader throws; anything that `accepts` does not take is a finding
   */
  readonly run: (input: Uint8Array) => string | Promise<string>;
  /** Whether an error is one that the reader may throw. @default those that Contrail explains to a person */
  readonly accepts?: (error: unknown) => boolean;
  readonly close?: () => Promise<void>;
}

/** Errors with a code of ours, and those of the system that have one. */
export const isExplained = (error: unknown): boolean => explained(error) !== null;

/** Thrown by a target whose reader gave what it must not give. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export const bytesOfText = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOfBytes = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** An input that says in its first line which of several things it is; the rest is what is read. */
export const headed = (head: string, body: Uint8Array | string): Uint8Array =>
  Buffer.concat([Buffer.from(`${head}\n`), typeof body === 'string' ? Buffer.from(body) : body]);

/** Takes such an input apart. An unknown head stands for one of those that there are. */
export function beheaded<T extends string>(
  input: Uint8Array,
  heads: readonly T[],
): { readonly head: T; readonly body: Uint8Array } {
  const end = input.indexOf(10);
  const named = Buffer.from(input.subarray(0, Math.max(0, end))).toString('latin1');
  const number = [...named].reduce((sum, character) => sum + character.charCodeAt(0), 0);
  const head = heads.find((each) => each === named) ?? (heads[number % heads.length] as T);
  return { head, body: input.subarray(end + 1) };
}

/** What follows the head, in a form that may follow from it. */
export const behindHead =
  (formOf: (head: string) => Form) =>
  (input: Uint8Array): Region | null => {
    const end = input.indexOf(10);
    if (end < 0) return null;
    return { from: end + 1, to: input.length, form: formOf(Buffer.from(input.subarray(0, end)).toString('latin1')) };
  };
