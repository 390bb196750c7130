/** What a file is by its first bytes. `what` is said after its name. */
export type Format =
  | { readonly is: 'image'; readonly format: 'png' | 'jpeg' | 'webp' | 'gif' | 'tiff' | 'avif' }
  | { readonly is: 'other'; readonly what: string; readonly archive?: boolean };

/** Which images are read. */
export const formatsShown = 'PNG, JPEG, WebP, GIF, TIFF and AVIF';

const convert = 'convert it to PNG or JPEG';

/** By content: what a file is called says nothing. @param head 512 bytes of the file, or all that it has */
export function formatOf(head: Uint8Array): Format {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const has = (signature: string | readonly number[], at = 0) =>
    bytes.subarray(at, at + signature.length).equals(Buffer.from(signature as string, 'latin1'));
  const other = (what: string): Format => ({ is: 'other', what });
  const archive = (what: string): Format => ({ is: 'other', what, archive: true });

  if (bytes.length === 0) return other('is empty (0 bytes)');
  if (has('\x89PNG\r\n\x1a\n')) return { is: 'image', format: 'png' };
  if (has('\xff\xd8\xff')) return { is: 'image', format: 'jpeg' };
  if (has('RIFF') && has('WEBP', 8)) return { is: 'image', format: 'webp' };
  if (has('GIF87a') || has('GIF89a')) return { is: 'image', format: 'gif' };
  if (has('II\x2b\0') || has('MM\0\x2b')) return other(`is a BigTIFF image, which is not read: ${convert}`);
  if (has('II\x2a\0') && has('CR', 8)) return other(`is a raw photo (CR2), which is not read: ${convert}`);
  if (has('II\x2a\0') || has('MM\0\x2a')) return { is: 'image', format: 'tiff' };
  if (has('ftyp', 4)) return ofBrand(bytes.subarray(8, 64).toString('latin1'));
  if (has('BM') && bytes.length > 26) return other(`is a BMP image, which is not read: ${convert}`);
  if (has('8BPS')) return other(`is a Photoshop file, which is not read: ${convert}`);
  if (isIcon(bytes)) return other(`is an icon (ICO), which is not read: ${convert}`);
  if (has('\xff\x0a') || has('\0\0\0\x0cJXL ')) return other(`is a JPEG XL image, which is not read: ${convert}`);
  if (has('\0\0\0\x0cjP  ') || has('\xff\x4f\xff\x51'))
    return other(`is a JPEG 2000 image, which is not read: ${convert}`);
  if (has('\x76\x2f\x31\x01')) return other(`is an OpenEXR image, which is not read: ${convert}`);
  if (has('#?RADIANCE') || has('#?RGBE')) return other(`is a Radiance image, which is not read: ${convert}`);
  if (has('DDS ')) return other(`is a DirectDraw image, which is not read: ${convert}`);
  if (has('DICM', 128)) return other(`is a DICOM file, which is not read: ${convert}`);
  if (has('FUJIFILMCCD-RAW') || has('IIRO') || has('IIU\0'))
    return other(`is a raw photo, which is not read: ${convert}`);
  if (/^P[1-7]\s/.test(bytes.subarray(0, 3).toString('latin1')))
    return other(`is a Netpbm image, which is not read: ${convert}`);
  if (has('PK\x03\x04') || has('PK\x05\x06')) return archive('is a zip archive');
  if (has('\x1f\x8b')) return archive('is a gzip archive');
  if (has('Rar!')) return archive('is a RAR archive');
  if (has("7z\xbc\xaf'\x1c")) return archive('is a 7z archive');
  if (has('BZh')) return archive('is a bzip2 archive');
  if (has('\xfd7zXZ\0')) return archive('is an xz archive');
  if (has('\x28\xb5\x2f\xfd')) return archive('is a zstd archive');
  if (has('ustar', 257)) return archive('is a tar archive');
  if (has('%PDF')) return other('is a PDF document, not an image');
  if (has('\x1a\x45\xdf\xa3') || (has('RIFF') && has('AVI ', 8))) return other('is a video, not an image');
  if (has([0, 5, 22, 7])) return other('is a resource file of macOS, not an image');
  if (isTarga(bytes)) return other(`is a Targa image (TGA), which is not read: ${convert}`);
  return ofText(bytes);
}

/** An icon or a cursor: its first picture lies after the list of its pictures. A Targa image may begin with the same four bytes. */
function isIcon(bytes: Buffer): boolean {
  if (bytes.length < 22 || bytes.readUInt16LE(0) !== 0 || ![1, 2].includes(bytes.readUInt16LE(2))) return false;
  const pictures = bytes.readUInt16LE(4);
  return pictures > 0 && bytes.readUInt32LE(18) >= 6 + 16 * pictures;
}

/** A Targa image has no signature: its header must agree with itself. */
function isTarga(bytes: Buffer): boolean {
  if (bytes.length < 18) return false;
  const [mapped, type, mapBits, depth, flags] = [1, 2, 7, 16, 17].map((at) => bytes[at] as number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const hasMap = type === 1 || type === 9;
  const map = hasMap ? mapped === 1 && [15, 16, 24, 32].includes(mapBits) : mapped === 0 && mapBits === 0;
  return (
    [1, 2, 3, 9, 10, 11].includes(type) &&
    map &&
    [8, 15, 16, 24, 32].includes(depth) &&
    bytes.readUInt16LE(12) > 0 &&
    bytes.readUInt16LE(14) > 0 &&
    flags < 0x40
  );
}

/** A file of the ISO base media format: AVIF, HEIC, or a video. */
function ofBrand(brands: string): Format {
  if (/avi[fs]/.test(brands)) return { is: 'image', format: 'avif' };
  if (/hei[cxms]|hev[cxms]|mif1|msf1/.test(brands))
    return {
      is: 'other',
      what: `is a HEIC photo, which is not read: ${convert} (on an iPhone, Settings > Camera > Formats > Most Compatible)`,
    };
  if (/crx /.test(brands)) return { is: 'other', what: `is a raw photo (CR3), which is not read: ${convert}` };
  return { is: 'other', what: 'is a video, not an image' };
}

function ofText(bytes: Buffer): Format {
  const utf16 = bytes.subarray(0, 2).equals(Buffer.of(0xff, 0xfe));
  const text = bytes
    .toString(utf16 ? 'utf16le' : 'utf8')
    .replace(/^\ufeff/, '')
    .trimStart();
  const what = (() => {
    if (/^version https:\/\/git-lfs/.test(text)) return 'is a pointer of Git LFS, not the image: run `git lfs pull`';
    if (/<svg[\s>]/i.test(text) && /^</.test(text))
      return 'is an SVG drawing, which is a program and is not read: convert it to PNG';
    if (/^<(!doctype html|html|head|body)\b/i.test(text)) return 'is a web page (HTML), not an image';
    if (/^<\?xml|^<[a-z!]/i.test(text)) return 'is XML, not an image';
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what no text has
    if (!utf16 && /[\x00-\x08\x0e-\x1a\ufffd]/.test(text.slice(0, -3)))
      return `is no image of a kind that is read (${formatsShown})`;
    return 'is text, not an image';
  })();
  return { is: 'other', what };
}
