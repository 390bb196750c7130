interface Pixels {
  readonly pixels: Uint8Array;
  readonly channels: 1 | 3;
}

/** An image in grey or in colour: colour becomes its luma, grey three equal channels. */
export function inChannels({ pixels, channels }: Pixels, wanted: 1 | 3): Pixels {
  if (channels === wanted) return { pixels, channels };
  return { pixels: wanted === 1 ? luma(pixels) : inColour(pixels), channels: wanted };
}

/** Each grey pixel as three equal channels. */
export function inColour(grey: Uint8Array): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(3 * grey.length);
  for (let at = 0, to = 0; at < grey.length; at++) {
    const value = grey[at] as number;
    pixels[to++] = value;
    pixels[to++] = value;
    pixels[to++] = value;
  }
  return pixels;
}

/** Luma of ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B, rounded. */
function luma(colour: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: colour.length / 3 }, (_, at) => {
    const [red, green, blue] = colour.subarray(3 * at, 3 * at + 3) as unknown as [number, number, number];
    return Math.round((299 * red + 587 * green + 114 * blue) / 1000);
  });
}
