/**
 * How long seed 001's controller takes from a shortage to new routes, by what its script waits for
 * (aws-samples/scalable-hw-agnostic-inference, capacity-checker-config.yaml and -deploy.yaml): it
 * sleeps 300 s, then asks CloudWatch Logs Insights and looks for the answer after 5 s. What comes on
 * top is left out: the logs' way to CloudWatch, Python's start, the download of two manifests and
 * kubectl.
 *
 * @param shortages how many, evenly over one turn of its loop
 * @returns seconds, the shortest first
 */
export function seedDetectionSeconds(shortages: number): readonly number[] {
  const turn = sleepSeconds + querySeconds;
  return Array.from({ length: shortages }, (_, index) => {
    const untilNextQuery = (turn * (index + 0.5)) / shortages;
    return untilNextQuery + querySeconds;
  });
}

const sleepSeconds = 300;
const querySeconds = 5;
