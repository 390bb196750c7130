import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../native/programs.ts';
import { kerasEnvironment } from '../keras/environment.ts';
import { pythonEnvironment } from '../python-environment.ts';

/** The Python of Keras and TensorFlow, and where FastAPI is for it. */
export async function fastapiEnvironment(): Promise<{ readonly python: string; readonly packages: string }> {
  const python = await kerasEnvironment();
  const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));
  const own = await pythonEnvironment('fastapi', requirements, ['fastapi', 'uvicorn', 'PIL']);
  const found = await runProgram(own, ['-c', 'import fastapi; print(fastapi.__file__)']);
  return { python, packages: dirname(dirname(found.trim())) };
}
