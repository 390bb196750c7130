import type { Family } from './family.ts';

/** MobileNetV3 (arXiv:1905.02244), by the names of timm; transformers has no such network. */
export const mobilenetv3: Family = {
  ownNames: 'timm',
  layoutOf: (name) => {
    if (/\.conv_dw\.weight$/.test(name)) return 'depthwise';
    return /(^|\.)(conv_stem|conv_pw|conv_pwl|conv|conv_head|conv_reduce|conv_expand)\.weight$/.test(name)
      ? 'convolution'
      : 'same';
  },
  leftover: /^(classifier\.|fc\.|head\.)|^conv_head\.|^norm_head\.|(^|\.)num_batches_tracked$/,
};
