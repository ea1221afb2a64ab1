/** What an image or a video is, told by its first bytes. */
export interface MediaType {
  readonly contentType: string;
  readonly extension: string;
}

/** First bytes that `mediaTypeOf` wants to see. */
export const MEDIA_TYPE_BYTES = 16;

const PNG: MediaType = { contentType: "image/png", extension: "png" };
const JPEG: MediaType = { contentType: "image/jpeg", extension: "jpg" };
const GIF: MediaType = { contentType: "image/gif", extension: "gif" };
const WEBP: MediaType = { contentType: "image/webp", extension: "webp" };
const BMP: MediaType = { contentType: "image/bmp", extension: "bmp" };
const TIFF: MediaType = { contentType: "image/tiff", extension: "tiff" };
const AVIF: MediaType = { contentType: "image/avif", extension: "avif" };
const HEIC: MediaType = { contentType: "image/heic", extension: "heic" };
const MP4: MediaType = { contentType: "video/mp4", extension: "mp4" };
const MOV: MediaType = { contentType: "video/quicktime", extension: "mov" };
const WEBM: MediaType = { contentType: "video/webm", extension: "webm" };

const all = [PNG, JPEG, GIF, WEBP, BMP, TIFF, AVIF, HEIC, MP4, MOV, WEBM];

/** What a file is by its name's extension; nothing: it is none of these. */
export function mediaTypeOfName(fileName: string): MediaType | undefined {
  const given = /\.([a-z0-9]+)$/i.exec(fileName)?.[1]?.toLowerCase();
  const extension = given === "jpeg" ? "jpg" : given === "tif" ? "tiff" : given;
  return all.find((type) => type.extension === extension);
}

/**
 * Images that diffusion runtimes read, and images and videos that they write. Nothing: it is
 * neither.
 *
 * Source: WHATWG, "MIME Sniffing", 6.1 and 6.2; for AVIF and HEIC, whose brands MP4 shares the box
 * with, ISO/IEC 23000-22, and for TIFF, Adobe's TIFF 6.0, section 2.
 */
export function mediaTypeOf(bytes: Buffer): MediaType | undefined {
  const text = bytes.toString("latin1", 0, MEDIA_TYPE_BYTES);
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return PNG;
  if (text.startsWith("\xff\xd8\xff")) return JPEG;
  if (text.startsWith("GIF87a") || text.startsWith("GIF89a")) return GIF;
  if (text.startsWith("RIFF") && text.startsWith("WEBP", 8)) return WEBP;
  // Four reserved bytes, always zero, keep plain text out.
  if (text.startsWith("BM") && text.startsWith("\0\0\0\0", 6)) return BMP;
  if (text.startsWith("II*\0") || text.startsWith("MM\0*")) return TIFF;
  if (text.startsWith("\x1a\x45\xdf\xa3")) return WEBM;
  return text.startsWith("ftyp", 4) ? ofBrand(text.slice(8, 12)) : undefined;
}

function ofBrand(brand: string): MediaType {
  if (brand === "avif" || brand === "avis") return AVIF;
  if (["heic", "heix", "mif1", "msf1"].includes(brand)) return HEIC;
  return brand === "qt  " ? MOV : MP4;
}
