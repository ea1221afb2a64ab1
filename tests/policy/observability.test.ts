import { ruleSuite } from "./ruleSuite";
import { subject, unknown } from "./subject";

const logGroup = (retentionInDays?: unknown) =>
  subject("aws:cloudwatch/logGroup:LogGroup", { name: "/fleet", retentionInDays });

ruleSuite("log-group-retention", {
  passes: { "logs that are kept for a month": { of: logGroup(30) } },
  fails: {
    "logs that are kept by default": { of: logGroup(), says: [/retentionInDays is not set/] },
    "logs that are kept for ever": { of: logGroup(0), says: [/retentionInDays is not set/] },
  },
  unknown: { "logs that are kept nobody knows how long": { of: logGroup(unknown) } },
});

const alarm = (props: Readonly<Record<string, unknown>>) =>
  subject("aws:cloudwatch/metricAlarm:MetricAlarm", props);
const topic = "arn:aws:sns:us-west-2:123456789012:alarms";

ruleSuite("alarm-tells-somebody", {
  passes: {
    "an alarm that tells a topic": { of: alarm({ alarmActions: [topic] }) },
    "an alarm of alarms": {
      of: subject("aws:cloudwatch/compositeAlarm:CompositeAlarm", {
        actionsEnabled: true,
        alarmActions: [topic],
      }),
    },
  },
  fails: {
    "an alarm by default": { of: alarm({}), says: [/alarmActions is empty/] },
    "an alarm that tells of its end only": {
      of: alarm({ alarmActions: [], okActions: [topic] }),
      says: [/alarmActions is empty/],
    },
    "an alarm that is silenced": {
      of: alarm({ alarmActions: [topic], actionsEnabled: false }),
      says: [/actionsEnabled is false/],
    },
  },
  unknown: {
    "actions that are not known": { of: alarm({ alarmActions: unknown }) },
    "an alarm of which it is not known whether it is silenced": {
      of: alarm({ alarmActions: [topic], actionsEnabled: unknown }),
    },
    "an alarm that tells a topic that is not known yet: there is one": {
      of: alarm({ alarmActions: [unknown] }),
      comesOut: "passes",
    },
  },
});
