import sharp from 'sharp';
import { digestOfJson, preparationsFolder } from '../../store/index.ts';
import type { Form } from '../form.ts';

/** Raised when images are brought to their form in another way, so that nothing of before is taken for the same. */
const version = 1;

/** Where preparations of one form leave what later ones may use: images are the same where form and decoders are. */
export const placeOf = (form: Form): string =>
  `${preparationsFolder}/${digestOfJson({ version, form: { ...form, channels: form.channels ?? null }, decoders: sharp.versions })}`;

/** The key of a source in memory: half of a digest tells any number of images apart. */
export const keyOf = (source: Uint8Array): string => Buffer.from(source.subarray(0, 16)).toString('latin1');
