/** Kubernetes' quantities as the API server writes them down, so that a refresh finds no difference. */

/** CPU: `2`, `1500m`. */
export function cores(millis: number): string {
  return millis % 1000 === 0 ? String(millis / 1000) : `${millis}m`;
}

/** Memory: `2Gi`, `1500Mi`. */
export function bytes(mebibytes: number): string {
  return mebibytes % 1024 === 0 ? `${mebibytes / 1024}Gi` : `${mebibytes}Mi`;
}
