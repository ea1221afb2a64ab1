const places = [
  "hills above the sea",
  "a valley in the mist",
  "mountains behind mountains",
  "a pass in the first snow",
  "dunes where the road ends",
  "the islands from the ferry",
  "a ridge after the rain",
] as const;

const times = ["at dawn", "at noon", "in the evening light", "under a full moon", "before a storm"];

/** A prompt by its number from 0; the first 35 differ. */
export function promptOf(index: number): string {
  return `${places[index % places.length]} ${times[index % times.length]}`;
}
