import type { DatasetAbout, ImageForm } from '../contracts/artifacts.ts';
import type { EncoderAbout } from '../contracts/encoder.ts';
import { largestRawSide, type PrepareDataParameters, prepareDataParameters } from '../contracts/kinds/prepare-data.ts';

/** How the images of a data set are kept: as their pixels, or in an image format that loses little. */
export type Encoding = NonNullable<PrepareDataParameters['encoding']>;

/** Sides of encoded images are multiples of the blocks that they are coded in. */
const blockSide = 8;

/** How every image of a data set is brought to one form. */
export interface Form {
  /** Side of the square that steps train and measure on, in pixels. */
  readonly size: number;
  /** Side of the square that is kept: `size`, or more where random crops shall have room. */
  readonly side: number;
  readonly fit: PrepareDataParameters['fit'];
  /** What lies behind transparent parts, and around an image that is no square: red, green, blue, 0 to 255. */
  readonly background: { readonly behind: Colour; readonly around: Colour };
  /** What every image is turned into; as it is where absent. */
  readonly channels: 1 | 3 | undefined;
  /** Null where pixels are kept. */
  readonly encoding: Encoding | null;
}

export type Colour = readonly [red: number, green: number, blue: number];
const white: Colour = [255, 255, 255];
const black: Colour = [0, 0, 0];

/** Parameters that decide the form of the images. */
export type FormParameters = Pick<PrepareDataParameters, 'size' | 'fit' | 'background' | 'channels' | 'encoding'>;

export function formOf({ size, fit, background, channels, encoding: wanted }: FormParameters): Form {
  const encoding = wanted ?? (size > largestRawSide ? defaultEncoding : null);
  return {
    size,
    side: encoding ? blockSide * Math.ceil((size * encoding.margin) / blockSide) : size,
    ...squareOf({ fit, ...(background === undefined ? {} : { background }) }),
    // Whether there is any colour is known at the end only, when what was encoded cannot be turned.
    channels: channels ?? (encoding ? 3 : undefined),
    encoding,
  };
}

/** How images become squares, as a data set says it; undefined where no pipeline said anything of it. */
export function squareFormOf({
  fit,
  background: { behind, around },
}: Pick<Form, 'fit' | 'background'>): DatasetAbout['form'] {
  const isChosen = behind.join() === around.join();
  return fit === 'pad' && !isChosen ? undefined : { fit, ...(isChosen ? { background: hexOf(around) } : {}) };
}

/** What such a word means. */
export const squareOf = ({
  fit = 'pad',
  background,
}: Partial<NonNullable<DatasetAbout['form']>> = {}): Pick<Form, 'fit' | 'background'> => {
  const colour = background === undefined ? undefined : colourOf(background);
  return { fit, background: { behind: colour ?? white, around: colour ?? black } };
};

/** The form of a data set's images as an encoder keeps it; undefined where it is the one that an encoder is taken to have. */
export function imageFormOf({ form, stored }: Pick<DatasetAbout, 'form' | 'stored'>): ImageForm | undefined {
  return form || stored ? { fit: 'pad', ...form, ...(stored ? { stored } : {}) } : undefined;
}

/** The form that any image must be brought to so that an encoder sees it as it saw those of its training. */
export function formOfEncoder({ image: { height, channels }, form }: Pick<EncoderAbout, 'image' | 'form'>): Form {
  const { stored, ...square } = form ?? {};
  const encoding = stored ? encodingSchema.parse({ format: stored.format, quality: stored.quality }) : null;
  return { size: height, side: stored?.side ?? height, ...squareOf(square), channels, encoding };
}

const encodingSchema = prepareDataParameters.shape.encoding.unwrap();

/** At this quality and with colour at full resolution, what training sees of stitching and prints is what the photo has. */
const defaultEncoding: Encoding = { format: 'jpeg', quality: 90, margin: 1.14 };

const colourOf = (hex: string): Colour => {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
};

const hexOf = (colour: Colour): string => `#${colour.map((value) => value.toString(16).padStart(2, '0')).join('')}`;

/** Whether a colour is a shade of grey, so that a grey image can have it. */
export const isGrey = ([red, green, blue]: Colour): boolean => red === green && green === blue;
