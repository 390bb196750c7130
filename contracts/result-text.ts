import { count, times } from './counted.ts';
import { isMapping, type Json } from './json.ts';
import { settingText } from './setting-text.ts';
import { oneLine } from './short-text.ts';
import type { StepKindName } from './step-kinds.ts';

interface Finished {
  readonly uses: StepKindName;
  readonly result: { readonly [name: string]: Json } | null;
}

const longestSetting = 40;
const figures = (value: number) => String(Number(value.toPrecision(4)));

/** What steps that make, embed or search for an encoder came to, in a few words; empty for other kinds, and before there is a result. */
export function resultText({ uses, result }: Finished): string {
  if (result === null) return '';
  const { dimension, images, names, loss, validationTop1, learningRate, value, trials, parameters, lost } = result;
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
    case 'sweep':
      return said(
        typeof value === 'number' && `best ${figures(value)}`,
        typeof trials === 'number' && `of ${times(trials, 'trial')}`,
        isMapping(parameters) &&
          Object.entries(parameters)
            .map(([name, setting]) => `${name} ${oneLine(settingText(setting), longestSetting)}`)
            .join(', '),
      );
    case 'trial':
      return typeof value === 'number' ? figures(value) : typeof lost === 'string' ? `lost: ${lost}` : 'lost';
    default:
      return '';
  }
}
