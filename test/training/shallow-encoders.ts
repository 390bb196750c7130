import { convnext } from '../../training/models/convnext.ts';
import type { EncoderModel } from '../../training/models/encoder.ts';
import { mobilenetv3 } from '../../training/models/mobilenetv3.ts';
import { resnet50 } from '../../training/models/resnet50.ts';
import { vit } from '../../training/models/vit.ts';
import type { ParameterSpec } from '../../training/parameters.ts';
import type { Tensor } from '../../training/tensorflow.ts';
import { drawn, signed } from './golden-draws.ts';

const smallVit = { width: 32, depth: 2, heads: 2, registers: 0, layerScale: true, patch: 14, grid: [4, 4] } as const;
/** The encoders that timm has; what takes long is narrow and shallow. */
export const shallowEncoders: Readonly<Record<string, EncoderModel>> = {
  resnet50: resnet50([1, 1, 1, 1]),
  convnext: convnext({ depths: [1, 1, 2, 1], widths: [8, 16, 32, 64] }),
  'mobilenetv3 large': mobilenetv3('large'),
  'mobilenetv3 small': mobilenetv3('small'),
  'vit dinov2': vit(smallVit),
  'vit registers': vit({ ...smallVit, registers: 4 }),
  vit: vit({ ...smallVit, patch: 16, layerScale: false }),
};

/** The weights that test/golden/make_encoders.py draws. */
export function goldenValue({ name, shape }: ParameterSpec): Tensor {
  if (/token$|pos_embed$/.test(name)) return signed(name, shape);
  if (shape.length > 1) {
    const fanIn = shape.slice(0, shape.at(-1) === 1 ? 2 : -1).reduce((a, b) => a * b, 1);
    return drawn(name, shape, (u) => (2 * u - 1) * Math.sqrt(3 / fanIn));
  }
  if (/weight$|gamma$|running_var$/.test(name)) return drawn(name, shape, (u) => 0.5 + u);
  return drawn(name, shape, (u) => (2 * u - 1) * 0.1);
}
