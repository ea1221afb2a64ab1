import { isSet } from "../resource";
import { type Area, resourceRule } from "../rule";

const logRetention = resourceRule({
  name: "log-group-retention",
  level: "mandatory",
  protectsFrom: "Logs that are kept, and paid for, for ever.",
  remedy: "Set retentionInDays.",
  types: ["aws:cloudwatch/logGroup:LogGroup"],
  check: ({ props }, report) => {
    if (!isSet(props, "retentionInDays") || props.retentionInDays === 0)
      report("retentionInDays is not set");
  },
});

const alarmsTell = resourceRule({
  name: "alarm-tells-somebody",
  level: "mandatory",
  protectsFrom: "An alarm that goes off with nobody to hear it.",
  remedy: "Give the alarm an action, the environment's topic.",
  types: ["aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/compositeAlarm:CompositeAlarm"],
  check: ({ props }, report) => {
    if (props.actionsEnabled === false) report("actionsEnabled is false");
    if (Object.keys(props.alarmActions ?? []).length === 0) report("alarmActions is empty");
  },
});

export const observability: Area = { title: "Logs and alarms", rules: [logRetention, alarmsTell] };
