export { requireTensorFlow } from './binding.ts';
export { type Check, diagnose } from './doctor.ts';
export { chosenDevice, type Device, root, temporalBinary, trainerEnvironment } from './paths.ts';
export { tensorflowVersion } from './pins.ts';
export { setup } from './setup.ts';
