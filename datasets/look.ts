/** Statistics of an image, each 0 to 1. */
export interface Look {
  /** Mean and standard deviation of its luma. */
  readonly brightness: number;
  readonly contrast: number;
  /** Mean saturation of its pixels: what the largest of the three colours has above the smallest, as a share of the largest. */
  readonly saturation: number;
}

/**
 * How bright, rich in contrast and colourful an image is. Luma is that of ITU-R BT.601.
 *
 * @param pixels bytes [height, width, channels]
 */
export function lookOf(pixels: Uint8Array, channels: 1 | 3): Look {
  const count = pixels.length / channels;
  let [sum, squares, saturation] = [0, 0, 0];
  for (let at = 0; at < pixels.length; at += channels) {
    const red = pixels[at] as number;
    const green = channels === 3 ? (pixels[at + 1] as number) : red;
    const blue = channels === 3 ? (pixels[at + 2] as number) : red;
    const luma = (299 * red + 587 * green + 114 * blue) / 1000;
    sum += luma;
    squares += luma * luma;
    const most = Math.max(red, green, blue);
    if (most > 0) saturation += (most - Math.min(red, green, blue)) / most;
  }
  const mean = sum / count;
  return {
    brightness: mean / 255,
    contrast: Math.sqrt(Math.max(0, squares / count - mean * mean)) / 255,
    saturation: saturation / count,
  };
}
