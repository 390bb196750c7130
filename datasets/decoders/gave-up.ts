/** A decoder was ended over a file, or ended by it. The message is said after the name of the file. */
export class DecoderGaveUp extends Error {
  override readonly name = 'DecoderGaveUp';
}

export const tookTooLong = (milliseconds: number): DecoderGaveUp =>
  new DecoderGaveUp(`takes longer than ${milliseconds / 1000} s to decode: save it anew, smaller or as JPEG`);

export const endedDecoder = (how: string): DecoderGaveUp =>
  new DecoderGaveUp(`ends the decoder (${how}): save it anew, as PNG or JPEG`);
