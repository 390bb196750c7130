import sharp from 'sharp';
import { digestOfJson, preparationsFolder } from '../../store/index.ts';
import type { Form } from '../form.ts';

/** Raised when images are brought to their form in another way, so that nothing of before is taken for the same. */
const version = 1;

/** Where preparations of one form leave what later ones may use: images are the same where form and decoders are. */
export const placeOf = (form: Form): string =>
  `${preparationsFolder}/${digestOfJson({ version, form: { ...form, channels: form.channels ?? null }, decoders: sharp.versions })}`;
