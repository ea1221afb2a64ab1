import { bytesOf, type ModelSource, type SourceFile } from "./modelSource";

/** Source: safetensors README, "Format": 8 bytes, the header's length in little endian. */
const LENGTH_BYTES = 8;
/** Source: safetensors README, "Format": a header is limited to 100 MB. */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * What is wrong with a safetensors file, from its header and its length; the weights stay unread.
 * Nothing when it is whole.
 */
export async function safetensorsProblem(
  source: ModelSource,
  file: SourceFile,
): Promise<string | undefined> {
  const { bytes } = file;
  const first = await bytesOf(source, file, 0, Math.min(LENGTH_BYTES, bytes));
  const length = first.length === LENGTH_BYTES ? Number(first.readBigUInt64LE()) : undefined;
  if (length === undefined || length > Math.min(bytes - LENGTH_BYTES, MAX_HEADER_BYTES))
    return `is no safetensors file, or is cut short: its header should have ${length ?? "a length of"} bytes, the file has ${bytes}`;
  const end = LENGTH_BYTES + length;
  const header = await bytesOf(source, file, LENGTH_BYTES, end, MAX_HEADER_BYTES);
  const wanted = tensorsEnd(header);
  if (wanted === undefined) return "its safetensors header is damaged";
  return end + wanted === bytes
    ? undefined
    : `has ${bytes} bytes, its header says ${end + wanted}; copy it there again`;
}

/** Bytes of the tensors that a header lists; nothing when it is none. */
function tensorsEnd(header: Buffer): number | undefined {
  let tensors: unknown;
  try {
    tensors = JSON.parse(header.toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof tensors !== "object" || tensors === null || Array.isArray(tensors)) return undefined;
  let end = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    if (name === "__metadata__") continue;
    const [from, to] = (tensor as { data_offsets?: unknown[] } | null)?.data_offsets ?? [];
    if (!Number.isInteger(from) || !Number.isInteger(to)) return undefined;
    if ((from as number) < 0 || (to as number) < (from as number)) return undefined;
    end = Math.max(end, to as number);
  }
  return end;
}
