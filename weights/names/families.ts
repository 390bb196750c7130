import { convnext } from './convnext.ts';
import type { Family } from './family.ts';
import { mobilenetv3 } from './mobilenetv3.ts';
import { resnet50 } from './resnet50.ts';
import { vit } from './vit.ts';

/** Encoders whose variables have Keras's names, in Keras's layout, which is ours. */
const keras: Family = { ownNames: 'keras', leftover: /^(predictions|probs|projection_(hidden|output))\// };

const families: Readonly<Record<string, Family>> = { convnext, mobilenetv3, resnet50, vit };

/** The family of an encoder, by the name of its config. */
export const familyOf = (encoder: string): Family => families[encoder] ?? keras;
