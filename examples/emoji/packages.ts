import type { NpmPackage } from '../packages/npm-package.ts';

/** Where the pictures come from. The licences are those of the pictures; see README.md. */
export const packages = {
  /** Twemoji, CC BY 4.0. */
  twitter: {
    name: 'emoji-datasource-twitter',
    version: '16.0.0',
    integrity: 'sha512-7F+uCuHH+7Qnrc15P5tnbvKkg9E6tlzi4MnT2uW1RlN4pLYTza6cP/dstIfSDMtpjFLWuZewWg8jBbuL2eyELQ==',
    wanted: ['emoji.json', 'img/twitter/64'],
  },
  /** Noto Emoji, Apache 2.0. */
  google: {
    name: 'emoji-datasource-google',
    version: '16.0.0',
    integrity: 'sha512-ZRexfzs7MVoLnmzZmNsO4TKhnAJp5D++Vm6PpUpH/jEQQlemp3l88CjZ+DoZ2faM9R4QxZkOPJCoT8DlPhfQ3A==',
    wanted: ['img/google/64'],
  },
  /** OpenMoji, CC BY-SA 4.0. */
  openmoji: {
    name: 'openmoji',
    version: '17.0.0',
    integrity: 'sha512-EBnYrNGdcdw+OSXmENeNE1yBNRu6tOraTmoOyUbJkTmvT/+XETp8RZLSJFzD3lrPc5N9CzsyPnRTk0Vp4UaI9w==',
    wanted: ['color/svg'],
  },
} as const satisfies Record<string, NpmPackage>;

export type House = keyof typeof packages;
