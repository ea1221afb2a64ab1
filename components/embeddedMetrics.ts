/** A container that writes metrics into its log, in CloudWatch's embedded metric format. */
export interface MetricWriter {
  readonly namespace: string;
  readonly container: string;
}

/**
 * The name sorts behind the chart's `application-log.conf`: the chart includes its files by name,
 * and a filter that comes before that file's `kubernetes` would find nothing to lift.
 */
const FILE = "embedded-metrics.conf";

/** Where the chart's `kubernetes` filter puts a line that is JSON (`Merge_Log_Key`). */
const MERGED = "log_processed";

/** What such a line is called between the two filters; no record has it before or after. */
const LIFTED = "embedded_metrics";

/**
 * Values of the add-on amazon-cloudwatch-observability by which its Fluent Bit leaves lines in the
 * embedded metric format at the root of their event, where CloudWatch looks for `_aws`. Other lines
 * stay under `log_processed`, as everybody's. Nobody gets a permission for it.
 *
 * `extraFiles` is the chart's map of Fluent Bit's configuration files: a key more is a file more,
 * and the chart's own stay as they are.
 *
 * Source: aws-observability/helm-charts, amazon-cloudwatch-observability 4.5.0 to 6.4.0, values.yaml
 * and templates/linux/fluent-bit-configmap.yaml; its pull request 43 opens the map to the add-on.
 * Amazon CloudWatch user guide, "Specification: Embedded metric format" (other members may be at the
 * root) and "Using the PutLogEvents API" (no header is needed). Fluent Bit manual, "Modify", "Nest".
 *
 * @param writers none: no values
 */
export function embeddedMetricsValues(writers: readonly MetricWriter[]) {
  if (writers.length === 0) return {};
  const extraFiles = { [FILE]: writers.map(filters).join("\n") };
  return { containerLogs: { fluentBit: { config: { extraFiles } } } };
}

/** The tag is the log's path, which ends in POD_NAMESPACE_CONTAINER-ID.log; dots stand for slashes. */
function filters({ namespace, container }: MetricWriter): string {
  const match = `application.var.log.containers.*_${namespace}_${container}-*.log`;
  return `[FILTER]
  Name          modify
  Match         ${match}
  Condition     Key_exists $${MERGED}['_aws']
  Rename        ${MERGED} ${LIFTED}

[FILTER]
  Name          nest
  Match         ${match}
  Operation     lift
  Nested_under  ${LIFTED}
`;
}
