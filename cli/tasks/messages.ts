/** How many there are, in words. */
export function messages(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`;
}
