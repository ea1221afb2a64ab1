import { randomBytes } from "node:crypto";
import {
  defaultTextMapGetter,
  defaultTextMapSetter,
  isSpanContextValid,
  ROOT_CONTEXT,
  type SpanContext,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";

/** W3C trace headers, as they go with a task. */
export interface TraceHeaders {
  readonly traceparent: string;
  readonly tracestate?: string;
}

const propagator = new W3CTraceContextPropagator();

/**
 * The trace that a task belongs to: its client's, else X-Ray's of this invocation, else a new one
 * that is sampled.
 *
 * @param xrayHeader what Lambda gives as `_X_AMZN_TRACE_ID`
 */
export function traceOf(
  headers: { readonly traceparent?: string | undefined; readonly tracestate?: string | undefined },
  xrayHeader: string | undefined,
): TraceHeaders {
  const extracted = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
  const context =
    trace.getSpanContext(extracted) !== undefined
      ? extracted
      : trace.setSpanContext(ROOT_CONTEXT, xraySpan(xrayHeader) ?? newSpan());
  const carrier: { traceparent?: string; tracestate?: string } = {};
  propagator.inject(context, carrier, defaultTextMapSetter);
  return carrier as TraceHeaders;
}

/** Source: AWS X-Ray developer guide, "Tracing header", e.g. `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`. */
function xraySpan(header: string | undefined): SpanContext | undefined {
  const fields = new Map((header ?? "").split(";").map((field) => pair(field)));
  const [, epoch, unique] =
    /^1-([0-9a-f]{8})-([0-9a-f]{24})$/i.exec(fields.get("Root") ?? "") ?? [];
  const span: SpanContext = {
    traceId: `${epoch}${unique}`.toLowerCase(),
    spanId: (fields.get("Parent") ?? "").toLowerCase(),
    traceFlags: fields.get("Sampled") === "1" ? TraceFlags.SAMPLED : TraceFlags.NONE,
  };
  return isSpanContextValid(span) ? span : undefined;
}

function pair(field: string): [string, string] {
  const [key = "", value = ""] = field.trim().split("=");
  return [key, value];
}

function newSpan(): SpanContext {
  return {
    traceId: randomBytes(16).toString("hex"),
    spanId: randomBytes(8).toString("hex"),
    traceFlags: TraceFlags.SAMPLED,
  };
}
