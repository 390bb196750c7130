// `node make-bucket.mjs`: makes the bucket that CONTRAIL_STORE names, on the server that the AWS_ variables name, unless it is there.
import { CreateBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';

const [, bucket] = /^s3:\/\/([^/?]+)/.exec(process.env.CONTRAIL_STORE ?? '') ?? [];
if (bucket === undefined) {
  process.stderr.write('CONTRAIL_STORE must be s3://bucket or s3://bucket/prefix.\n');
  process.exit(2);
}
const client = new S3Client({ forcePathStyle: process.env.CONTRAIL_S3_PATH_STYLE === 'true' });
try {
  await client.send(new HeadBucketCommand({ Bucket: bucket }));
  process.stderr.write(`The bucket ${bucket} is there.\n`);
} catch (error) {
  if (!(error instanceof Error) || error.name !== 'NotFound') {
    process.stderr.write(
      `Whether the bucket ${bucket} is there cannot be seen: ${error instanceof Error ? error.message || error.name : error}\n`,
    );
    process.exit(1);
  }
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  process.stderr.write(`The bucket ${bucket} was made.\n`);
}
