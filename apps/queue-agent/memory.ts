import { setFlagsFromString } from "node:v8";

/**
 * Keeps V8's heap close to what is in use. It would let 32 MiB of young objects and as much of old
 * images lie before it looks for garbage, for a speed that an agent does not need.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=15");
}
