// A handler of our own that makes the four calls of the tool that Pagetrail replaces, one after the
// other: the metric filter, one line, the lines with its request id, PagerDuty.
import {
  CloudWatchLogsClient,
  DescribeMetricFiltersCommand,
  FilterLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import axios from "axios";

const logs = new CloudWatchLogsClient({});

export const handler = async (event) => {
  const alarm = JSON.parse(event.Records[0].Sns.Message);
  const { MetricName: metricName, Namespace: metricNamespace, Period: period } = alarm.Trigger;
  const { metricFilters } = await logs.send(new DescribeMetricFiltersCommand({ metricName, metricNamespace }));
  const { logGroupName, filterPattern } = metricFilters[0];
  const changed = Date.parse(alarm.StateChangeTime.replace("+0000", "Z"));
  const window = { startTime: changed - 5 * period * 1000, endTime: changed };
  const found = await logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern, ...window }));
  const line = JSON.parse(found.events[0].message);
  const trail = await logs.send(
    new FilterLogEventsCommand({
      logGroupName,
      filterPattern: `{ $.function_request_id = "${line.function_request_id}" }`,
      ...window,
    }),
  );
  const answer = await axios.post(process.env.PAGERDUTY_URL, {
    routing_key: "0123456789abcdef0123456789abcdef",
    event_action: "trigger",
    dedup_key: alarm.AlarmArn,
    payload: {
      summary: line.message,
      source: alarm.AlarmName,
      severity: "error",
      custom_details: Object.fromEntries(trail.events.map((it, at) => [`${at}`, it.message])),
    },
  });
  return answer.data;
};
