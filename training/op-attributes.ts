import { backend, type OpAttribute } from './capture/backend.ts';

/** Attributes of TensorFlow operations, as the backend's calls take them. */

const { binding } = backend();

export const type = (name: string, value: number): OpAttribute => ({ name, type: binding.TF_ATTR_TYPE, value });
export const text = (name: string, value: string): OpAttribute => ({ name, type: binding.TF_ATTR_STRING, value });
export const number = (name: string, value: number): OpAttribute => ({ name, type: binding.TF_ATTR_FLOAT, value });
export const integer = (name: string, value: number): OpAttribute => ({ name, type: binding.TF_ATTR_INT, value });
export const flag = (name: string, value: boolean): OpAttribute => ({ name, type: binding.TF_ATTR_BOOL, value });
