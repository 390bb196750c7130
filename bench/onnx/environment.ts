import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from '../python-environment.ts';

/** The Python that ONNX Runtime runs in. */
export const onnxEnvironment = (): Promise<string> =>
  pythonEnvironment('onnx', fileURLToPath(new URL('requirements.txt', import.meta.url)), ['onnxruntime']);
