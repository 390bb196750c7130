export { requireTensorFlow } from './binding.ts';
export { type Check, diagnose } from './doctor.ts';
export { chosenDevice, type Device, packageManifest, root, temporalBinary, trainerEnvironment } from './paths.ts';
export { tensorflowVersion } from './pins.ts';
export { compilationFile, isPackage, version } from './root.mjs';
export { setup } from './setup.ts';
