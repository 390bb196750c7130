import { count, times } from './counted.ts';
import type { Json } from './json.ts';
import type { StepKindName } from './step-kinds.ts';

interface Finished {
  readonly uses: StepKindName;
  readonly result: { readonly [name: string]: Json } | null;
}

/** What steps that make or embed an encoder came to, in a few words; empty for other kinds, and before there is a result. */
export function resultText({ uses, result }: Finished): string {
  if (result === null) return '';
  const { dimension, images, names, loss, validationTop1, learningRate } = result;
  const said = (...parts: readonly (string | false)[]) => parts.filter(Boolean).join(', ');
  switch (uses) {
    case 'load-encoder':
      return said(
        typeof names === 'string' && `names of ${names}`,
        typeof dimension === 'number' && `${count(dimension)} numbers an image`,
      );
    case 'embed':
      return said(
        typeof images === 'number' && times(images, 'image'),
        typeof dimension === 'number' && `${count(dimension)} numbers each`,
      );
    case 'adapt':
      return said(
        typeof loss === 'number' && `loss ${loss.toFixed(4)}`,
        typeof images === 'number' && times(images, 'image'),
      );
    case 'linear-probe':
      return said(
        typeof validationTop1 === 'number'
          ? `validation top-1 ${validationTop1.toFixed(4)}`
          : validationTop1 === null && 'no validation images',
        typeof learningRate === 'number' && `learning rate ${learningRate}`,
      );
    default:
      return '';
  }
}
