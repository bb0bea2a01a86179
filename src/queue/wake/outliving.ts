import { type Context, ROOT_CONTEXT, trace } from "@opentelemetry/api";

/** What a drain is linked to that goes on behind the answer to a request: the request's span, without its flush scope, which is sent when the request has been answered. */
export function outliving(context: Context): Context {
  const span = trace.getSpan(context);
  return span === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, span);
}
