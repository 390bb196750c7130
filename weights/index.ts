// What other folders may use of the weights from elsewhere.
export { readWeightFile, type WeightFile, weightLimits } from './file.ts';
export { type HubOptions, hubWeights, unpinnedHubFile, withHubWeights } from './hub/hub-weights.ts';
export { removeForgottenParts } from './hub/kept.ts';
export { type HubSettings, hubSettings } from './hub/settings.ts';
export { type LoadedWeights, loadWeights } from './load.ts';
export type { ForEncoder } from './names/match.ts';
export { encoderText, type Recognised, recognise, refusedSettings } from './names/recognise.ts';
