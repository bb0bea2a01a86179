/** Spans as a tree, and the drain's spans by their kind. */
import type { ReceivedSpan } from "../../tests/support/collector.ts";

/** A span with its children, by their start. */
export interface Branch {
  readonly span: ReceivedSpan;
  readonly parent: ReceivedSpan | undefined;
  readonly children: readonly Branch[];
}

/** The trees of a trace: one, if nothing is missing. */
export function treesOf(spans: readonly ReceivedSpan[]): readonly Branch[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const under = (parent: ReceivedSpan | undefined): readonly Branch[] =>
    spans
      .filter(({ parentSpanId = "" }) =>
        parent === undefined
          ? !ids.has(parentSpanId)
          : parentSpanId === parent.spanId
      )
      .sort((a, b) => a.startAt - b.startAt)
      .map((span) => ({ span, parent, children: under(span) }));
  return under(undefined);
}

/** What a person calls a span: its task says more than its queue. */
export function titleOf({ name, attributes }: ReceivedSpan): string {
  const operation = attributes["messaging.operation.name"];
  const task = attributes["baton.task.name"];
  return task === undefined ? name : `${operation} ${task}`;
}

/** Which attempt of its task a span is. */
export function attemptOf({ kind, attributes }: ReceivedSpan): string {
  return kind === "CONSUMER" ? `#${attributes["baton.attempt"]}` : "";
}

/** What came of a span, in one word. */
export function stateOf({ kind, attributes, status }: ReceivedSpan): string {
  if (kind === "SERVER") return String(attributes["http.response.status_code"]);
  if (kind === "CONSUMER") return String(attributes["baton.state"]);
  return status.code === "ERROR" ? "error" : "";
}

/** What a span is linked to, in a word each. */
export function linksOf(
  { links }: ReceivedSpan,
  all: readonly ReceivedSpan[],
): readonly string[] {
  return targetsOf(links, all).map((target) => {
    if (target === undefined) return "elsewhere";
    return target.kind === "CONSUMER"
      ? attemptOf(target)
      : target.name.split(" ")[0] ?? "";
  });
}

/** Since when a task waited for this attempt: since it was enqueued, or since the attempt before ended. */
export function waitedSince(
  { kind, startAt, links }: ReceivedSpan,
  parent: ReceivedSpan | undefined,
  all: readonly ReceivedSpan[],
): number {
  if (kind !== "CONSUMER" || parent === undefined) return startAt;
  const before = targetsOf(links, all).find((span) =>
    span?.kind === "CONSUMER"
  );
  return Math.min(startAt, before?.endAt ?? parent.endAt);
}

function targetsOf(
  links: ReceivedSpan["links"],
  all: readonly ReceivedSpan[],
): readonly (ReceivedSpan | undefined)[] {
  return links.map((link) => all.find(({ spanId }) => spanId === link.spanId));
}
