import { convnext } from './convnext.ts';
import type { Family } from './family.ts';
import { mobilenetv3 } from './mobilenetv3.ts';
import { resnet50 } from './resnet50.ts';
import { vit } from './vit.ts';

const head = /^(predictions|probs)\//;
/** Keras's ResNet50V2, whose names and layout the encoder has. */
const resnet50v2: Family = { ownNames: 'keras', leftover: head };
/** Encoders that are Contrail's own. */
const own: Family = { ownNames: 'contrail', leftover: head };

const families: Readonly<Record<string, Family>> = { convnext, mobilenetv3, resnet50, resnet50v2, vit };

/** The family of an encoder, by the name of its config. */
export const familyOf = (encoder: string): Family => families[encoder] ?? own;
