import type { StoredFile } from '../store.ts';
import type { S3Connection } from './connection.ts';

/** Where keys are listed. */
export interface S3Prefix {
  readonly at: S3Connection;
  readonly bucket: string;
  /** Empty, or with a slash at its end. */
  readonly prefix: string;
  /** Keys in one answer. @default what the server gives at most, 1000 as a rule */
  readonly pageKeys?: number;
}

/** Every object below a prefix, with its whole key. What ends in a slash stands for a folder that somebody made by hand. @throws the SDK's errors */
export async function listObjects({ at, bucket, prefix, pageKeys: MaxKeys }: S3Prefix): Promise<StoredFile[]> {
  const found: StoredFile[] = [];
  for (let token: string | undefined; ; ) {
    const page = await at.inTurn(() =>
      at.client.send(
        new at.sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token, MaxKeys }),
      ),
    );
    for (const { Key = '', Size = 0, LastModified } of page.Contents ?? [])
      if (!Key.endsWith('/')) found.push({ path: Key, bytes: Size, modifiedMs: LastModified?.getTime() ?? 0 });
    token = nextOf(page);
    if (token === undefined) return found;
  }
}

/** The names of what keys below a prefix have before their next slash. @throws the SDK's errors */
export async function listFolderNames({ at, bucket, prefix, pageKeys: MaxKeys }: S3Prefix): Promise<string[]> {
  const names: string[] = [];
  for (let token: string | undefined; ; ) {
    const page = await at.inTurn(() =>
      at.client.send(
        new at.sdk.ListObjectsV2Command({
          ...{ Bucket: bucket, Prefix: prefix, Delimiter: '/' },
          ...{ ContinuationToken: token, MaxKeys },
        }),
      ),
    );
    for (const { Prefix = '' } of page.CommonPrefixes ?? []) names.push(Prefix.slice(prefix.length, -1));
    token = nextOf(page);
    if (token === undefined) return names;
  }
}

/** @throws Error where there is more, and the server does not say how to get it: what is left out would count as absent */
function nextOf(page: {
  readonly IsTruncated?: boolean | undefined;
  readonly NextContinuationToken?: string | undefined;
}) {
  if (!page.IsTruncated) return undefined;
  if (page.NextContinuationToken === undefined)
    throw new Error('the server cut a listing and did not say how it goes on');
  return page.NextContinuationToken;
}

/** Aborts uploads in parts that nobody has sent a part to for so long. @returns how many @throws the SDK's errors */
export async function abortStaleUploads({ at, bucket, prefix }: S3Prefix, ageMs: number): Promise<number> {
  const before = Date.now() - ageMs;
  const stale: { readonly Key: string; readonly UploadId: string }[] = [];
  for (let marker: { KeyMarker?: string; UploadIdMarker?: string } = {}; ; ) {
    const page = await at.inTurn(() =>
      at.client.send(new at.sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...marker })),
    );
    for (const { Key, UploadId, Initiated } of page.Uploads ?? [])
      if (Key?.startsWith(prefix) && UploadId && (Initiated?.getTime() ?? Number.POSITIVE_INFINITY) < before)
        stale.push({ Key, UploadId });
    if (!page.IsTruncated || page.NextKeyMarker === undefined) break;
    marker = {
      KeyMarker: page.NextKeyMarker,
      ...(page.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: page.NextUploadIdMarker }),
    };
  }
  let aborted = 0;
  for (const { Key, UploadId } of stale) {
    const upload = { Bucket: bucket, Key, UploadId };
    try {
      // A large one may be under way for longer.
      if ((await newestPart(at, upload)) >= before) continue;
      await at.inTurn(() => at.client.send(new at.sdk.AbortMultipartUploadCommand(upload)));
      aborted++;
    } catch (error) {
      // It was completed or aborted meanwhile.
      if (!(error instanceof Error && error.name === 'NoSuchUpload')) throw error;
    }
  }
  return aborted;
}

async function newestPart(
  at: S3Connection,
  upload: { Bucket: string; Key: string; UploadId: string },
): Promise<number> {
  let newest = 0;
  for (let marker: string | undefined; ; ) {
    const page = await at.inTurn(() =>
      at.client.send(new at.sdk.ListPartsCommand({ ...upload, PartNumberMarker: marker })),
    );
    for (const { LastModified } of page.Parts ?? []) newest = Math.max(newest, LastModified?.getTime() ?? 0);
    marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    if (marker === undefined) return newest;
  }
}
