import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { openStore } from '../../store/index.ts';
import { type S3Server, startS3Server, whyNoS3Server } from '../s3/server.ts';
import { testStore } from './test-store.ts';

const missing = await whyNoS3Server();

describe.skipIf(missing)(`a store on an S3 server${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server();
  });
  afterAll(() => server?.stop());

  testStore('s3:', async () => openStore(server.storeUrl(randomUUID())), { churn: 15 });
});
