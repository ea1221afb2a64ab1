import {
  type Context,
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { QUEUE_AGENT } from "../../contracts/tasks/settings";
import type { Task } from "./taskMessage";
import type { StepName, TaskTrace, Tracing } from "./taskTrace";

const propagator = new W3CTraceContextPropagator();

/**
 * Spans by OpenTelemetry: of a message's time with the agent, with `receive`, `inputs`, `run` and
 * `store` under it, all in the trace of who has sent it, and linked to the sender's span.
 *
 * Source of the names: OpenTelemetry, "Semantic conventions for messaging spans".
 */
export function otlpTracing(options: {
  readonly endpoint: string;
  readonly stack: string;
  readonly runtime: string;
  readonly pod: string;
}): Tracing {
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      "service.name": QUEUE_AGENT,
      "service.namespace": options.stack,
      "service.instance.id": options.pod,
    }),
    spanProcessors: [
      new BatchSpanProcessor(
        new OTLPTraceExporter({ url: `${options.endpoint.replace(/\/+$/, "")}/v1/traces` }),
      ),
    ],
  });
  const tracer = provider.getTracer(QUEUE_AGENT);
  return {
    received: (task, delivery) => received(tracer, task, delivery),
    stop: () => provider.shutdown(),
  };
}

function received(
  tracer: Tracer,
  task: Task,
  { receiveCount, sentAtMs }: Parameters<Tracing["received"]>[1],
): TaskTrace {
  const sent = propagator.extract(ROOT_CONTEXT, task.traceHeaders, defaultTextMapGetter);
  const sender = trace.getSpanContext(sent);
  const links = sender === undefined ? [] : [{ context: sender }];
  const span = tracer.startSpan(
    `process ${task.runtime}`,
    {
      kind: SpanKind.CONSUMER,
      links,
      attributes: {
        "messaging.system": "aws_sqs",
        "messaging.operation.type": "process",
        "task.key": task.key,
        "task.type": task.type,
        "task.runtime": task.runtime,
        "task.receives": receiveCount,
      },
    },
    sent,
  );
  const inside = trace.setSpan(sent, span);
  // How long the message was in the queue.
  const receive = { kind: SpanKind.CLIENT, links, startTime: new Date(sentAtMs) };
  tracer.startSpan("receive", receive, inside).end();
  return {
    step: (name, work) => step(tracer, inside, name, work),
    end: (failure) => end(span, failure),
  };
}

async function step<T>(
  tracer: Tracer,
  inside: Context,
  name: StepName,
  work: (headers: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  const kind = name === "run" ? SpanKind.CLIENT : SpanKind.INTERNAL;
  const span = tracer.startSpan(name, { kind }, inside);
  const within = trace.setSpan(inside, span);
  const headers: Record<string, string> = {};
  propagator.inject(within, headers, defaultTextMapSetter);
  try {
    const result = await context.with(within, () => work(headers));
    span.end();
    return result;
  } catch (error) {
    end(span, (error as Error).message);
    throw error;
  }
}

function end(span: Span, failure: string | undefined): void {
  if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
  span.end();
}
