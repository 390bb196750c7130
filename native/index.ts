export { type Check, diagnose } from './doctor.ts';
export { type Device, temporalBinary, trainerEnvironment } from './paths.ts';
export { setup } from './setup.ts';
