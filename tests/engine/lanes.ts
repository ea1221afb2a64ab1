/** Runs so many tasks at a time at most, and gives the promise of each at once. */
export function inLanes<Task, Result>(
  count: number,
  tasks: readonly Task[],
  run: (task: Task) => Promise<Result>,
): readonly Promise<Result>[] {
  const lanes: Promise<unknown>[] = Array.from({ length: count }, () => Promise.resolve());
  return tasks.map((task, index) => {
    const result = lanes[index % count]!.then(() => run(task));
    // Whoever waits for the result hears of its failure; the lane goes on.
    lanes[index % count] = result.catch(() => {});
    return result;
  });
}
