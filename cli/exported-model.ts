import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { encoderAboutSchema } from '../contracts/encoder.ts';
import { parseJsonWithin } from '../contracts/json-within.ts';
import type { EncoderConfig } from '../contracts/training.ts';
import { readTextFile } from './text-file.ts';

/** What an export says of its encoder, in a pipeline's words. */
export interface Exported {
  readonly encoder?: EncoderConfig;
  /** The encoder as a pipeline writes it. */
  readonly text?: string;
  /** How its images were normalised, as a pipeline writes it. */
  readonly normalise?: string;
  /** Why there is a file that says nothing. */
  readonly unreadable?: string;
}

/** The names of tens of thousands of classes. */
const largestModelFile = 16 * 2 ** 20;
export const modelSchema = z.object({ encoder: encoderAboutSchema });

/** What `contrail export` wrote beside a file of weights: nothing where the file is none of an export. */
export function exportedBeside(weights: string): Exported {
  const file = join(dirname(weights), 'model.json');
  if (!weights.endsWith('encoder.safetensors') || !existsSync(file)) return {};
  try {
    const about = modelSchema.parse(parseJsonWithin(readTextFile(file, largestModelFile)));
    const { encoder, image } = about.encoder;
    const list = (numbers: readonly number[]) => `[${numbers.join(', ')}]`;
    return {
      encoder,
      text: mappingText(encoder),
      normalise: `{ mean: ${list(image.mean)}, deviation: ${list(image.deviation)} }`,
    };
  } catch (error) {
    return { unreadable: error instanceof z.ZodError ? 'it is no description of an encoder' : messageOf(error) };
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');

const mappingText = (config: EncoderConfig): string =>
  `{ ${Object.entries(config)
    .map(([key, value]) => `${key}: ${Array.isArray(value) ? `[${value.join(', ')}]` : value}`)
    .join(', ')} }`;
