import { z } from 'zod';
import { type Header, headerSchema } from './header.ts';
import { type DecodedForm, pixelsSchema } from './pixels.ts';

/** Work for a process that decodes: one piece at a time. It is given by us, so only its answer is checked. */
export type DecodeWork =
  | { readonly do: 'header'; readonly image: string | Uint8Array }
  | {
      readonly do: 'pixels';
      readonly content: Uint8Array;
      readonly header: Header;
      readonly form: DecodedForm;
      readonly failOn: 'warning' | 'error';
    }
  | { readonly do: 'small-picture'; readonly content: Uint8Array };

/** What each kind of work gives. */
export const decodedSchemas = {
  header: headerSchema,
  pixels: pixelsSchema,
  'small-picture': z.instanceof(Uint8Array).nullable(),
} as const;
export type Decoded<K extends DecodeWork['do']> = z.infer<(typeof decodedSchemas)[K]>;

/** From a process: that it has begun; what came of its work; or what the decoder says of the file. */
export const decoderSaidSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('done'), result: z.unknown() }),
  z.strictObject({ type: z.literal('refused'), message: z.string() }),
]);
export type DecoderSaid = z.infer<typeof decoderSaidSchema>;
