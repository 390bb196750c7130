import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from '../python-environment.ts';

/**
 * The Python that PyTorch runs in. PyTorch's package is the one for CUDA on every machine; the pins are what it takes to load
 * and to compile on a CPU, 3.6 GB of disk.
 */
export const pytorchEnvironment = (): Promise<string> =>
  pythonEnvironment('pytorch', fileURLToPath(new URL('requirements.txt', import.meta.url)), [
    'torch',
    'torchvision',
    'timm',
    'safetensors',
  ]);
