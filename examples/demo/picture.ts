/** A trace as a picture: who caused what, when it waited and ran, and what came of it. */
import type { ReceivedSpan } from "../../tests/support/collector.ts";
import { type Axis, axisOf, cellAt, place } from "./axis.ts";
import { columns, duration, fit, type Ink, paint } from "./paint.ts";
import {
  attemptOf,
  type Branch,
  linksOf,
  stateOf,
  titleOf,
  treesOf,
  waitedSince,
} from "./trace.ts";

const NAME = 34;
const KIND = 8;
const TIME = 7;
const STATE = 8;
const LINKS = 12;

const INK: Readonly<Record<string, Ink>> = {
  SERVER: "blue",
  PRODUCER: "yellow",
  CONSUMER: "green",
};

/** What the lines of one picture share. */
interface Picture {
  readonly axis: Axis;
  readonly all: readonly ReceivedSpan[];
}

/** The lines of a trace's picture; `all` are the spans that links may lead to. */
export function drawTrace(
  title: string,
  spans: readonly ReceivedSpan[],
  all: readonly ReceivedSpan[],
): readonly string[] {
  const picture = { axis: axisOf(spans, barWidth()), all };
  return [
    header(title, picture.axis),
    ...treesOf(spans).flatMap((tree) => drawBranch(tree, [], picture)),
  ];
}

/** A drain's own trace: one line for itself and one for each kind of step. */
export function drawDrain(spans: readonly ReceivedSpan[]): readonly string[] {
  const axis = axisOf(spans, barWidth());
  const isRoot = ({ kind }: ReceivedSpan): boolean => kind === "INTERNAL";
  const steps = spans.filter((span) => !isRoot(span));
  const names = [...new Set(steps.map(({ name }) => name))];
  return [
    drawSame("", spans.filter(isRoot), axis, "a trace of its own"),
    ...names.map((name, i) => {
      const same = steps.filter((span) => span.name === name);
      const rail = i < names.length - 1 ? "├ " : "└ ";
      return drawSame(rail, same, axis, counted(same));
    }),
  ];
}

/** Spans of one name, on one line. */
function drawSame(
  rail: string,
  spans: readonly ReceivedSpan[],
  axis: Axis,
  said: string,
): string {
  const { name = "", kind = "" } = spans[0] ?? {};
  const title = spans.length > 1 ? `${name} ×${spans.length}` : name;
  const ms = sum(spans, ({ startAt, endAt }) => endAt - startAt);
  return [
    `  ${paint("dim", rail)}${fit(title, NAME - rail.length)}`,
    paint("magenta", fit(kind, KIND)),
    paint("magenta", marks(spans, axis)),
    duration(ms).padStart(TIME),
    paint("dim", said),
  ].join(" ").trimEnd();
}

function barWidth(): number {
  return columns() - (2 + NAME + KIND + TIME + STATE + LINKS + 5);
}

function header(title: string, { startAt, endAt, width }: Axis): string {
  const scale = `0${duration(endAt - startAt).padStart(width - 1)}`;
  const head = `${fit("kind", KIND)} ${scale} ${"time".padStart(TIME)} ${
    fit("state", STATE)
  } links to`;
  return `  ${paint("bold", fit(title, NAME))} ${paint("dim", head)}`;
}

/** `above` says of each level whether more of it follows below. */
function drawBranch(
  { span, parent, children }: Branch,
  above: readonly boolean[],
  picture: Picture,
): readonly string[] {
  const rail = (more: boolean): string => more ? "│ " : "  ";
  const rails = above.slice(0, -1).map(rail).join("");
  const turn = above.length === 0 ? "" : above.at(-1) ? "├ " : "└ ";
  const below = above.map(rail).join("");
  return [
    drawSpan(span, parent, rails + turn, picture),
    ...drawError(span, below),
    ...children.flatMap((child, i) =>
      drawBranch(child, [...above, i < children.length - 1], picture)
    ),
  ];
}

function drawSpan(
  span: ReceivedSpan,
  parent: ReceivedSpan | undefined,
  rails: string,
  { axis, all }: Picture,
): string {
  const ink = span.status.code === "ERROR" ? "red" : INK[span.kind] ?? "cyan";
  const attempt = attemptOf(span);
  const room = NAME - rails.length - attempt.length;
  const links = linksOf(span, all).map((link) => `→ ${link}`).join(" ");
  return [
    `  ${paint("dim", rails)}${fit(titleOf(span), room)}${paint(ink, attempt)}`,
    paint(ink, fit(span.kind, KIND)),
    drawBar(span, waitedSince(span, parent, all), ink, axis),
    duration(span.endAt - span.startAt).padStart(TIME),
    paint(ink, fit(stateOf(span), STATE)),
    paint("dim", links),
  ].join(" ").trimEnd();
}

/** Dots while it waited, blocks while it ran. */
function drawBar(
  span: ReceivedSpan,
  since: number,
  ink: Ink,
  axis: Axis,
): string {
  const { from, bar } = place(span, axis);
  const waited = Math.min(from, cellAt(since, axis));
  const rest = axis.width - from - bar.length;
  return " ".repeat(waited) + paint("dim", "·".repeat(from - waited)) +
    paint(ink, bar) + " ".repeat(rest);
}

/** Why a span failed, below it. */
function drawError({ status }: ReceivedSpan, rails: string): readonly string[] {
  if (status.code !== "ERROR") return [];
  const reason = `✗ ${status.message ?? "no reason given"}`;
  return [`  ${paint("dim", rails)}${paint("red", reason)}`];
}

/** Several spans on one line. */
function marks(spans: readonly ReceivedSpan[], axis: Axis): string {
  const cells = Array.from({ length: axis.width }, () => " ");
  for (const span of spans) {
    const { from, bar } = place(span, axis);
    cells.splice(from, bar.length, ...bar);
  }
  return cells.join("");
}

function counted(spans: readonly ReceivedSpan[]): string {
  const tasks = sum(
    spans,
    ({ attributes }) =>
      Number(attributes["messaging.batch.message_count"] ?? 0),
  );
  return tasks > 0 ? `${tasks} tasks` : "";
}

function sum(
  spans: readonly ReceivedSpan[],
  of: (span: ReceivedSpan) => number,
): number {
  return spans.reduce((total, span) => total + of(span), 0);
}
