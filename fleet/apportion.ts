/**
 * Integers of at least 1 that add up to `sum`, nearest to the shares: largest remainder (Hamilton's
 * method), then each 0 raised to 1 at the cost of the largest. A larger share never gets less.
 *
 * @param units shares of 1, which add up to 1; no more of them than `sum`
 */
export function apportion(
  units: readonly { readonly name: string; readonly share: number }[],
  sum: number,
): number[] {
  const exact = units.map(({ share }) => share * sum);
  const parts = units.map(({ name }, index) => {
    const whole = Math.floor(exact[index]!);
    // Rounded, or the last bit of a division would decide between equal remainders.
    const remainder = Math.round((exact[index]! - whole) * 1e9);
    return { name, index, whole, remainder };
  });
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

  const left = sum - parts.reduce((total, { whole }) => total + whole, 0);
  const byRemainder = [...parts].sort(
    (a, b) => b.remainder - a.remainder || exact[b.index]! - exact[a.index]! || byName(a, b),
  );
  for (const part of byRemainder.slice(0, left)) part.whole += 1;

  const byShare = [...parts].sort((a, b) => exact[a.index]! - exact[b.index]! || byName(b, a));
  for (const part of byShare.filter(({ whole }) => whole === 0)) {
    const most = Math.max(...parts.map(({ whole }) => whole));
    byShare.find(({ whole }) => whole === most)!.whole -= 1;
    part.whole = 1;
  }
  return parts.map(({ whole }) => whole);
}
