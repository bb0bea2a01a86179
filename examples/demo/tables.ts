/** Metrics and costs as tables. */
import type { Collector } from "../../tests/support/collector.ts";
import { durations, tasksOf, total } from "./numbers.ts";
import { columns, duration, fit, paint } from "./paint.ts";

const CELL = 13;

/** The metrics of a queue, one line for each of its tasks. */
export function drawMetrics(
  title: string,
  collector: Collector,
  queue: string,
): readonly string[] {
  const of = (metric: string) => ({ collector, queue, metric });
  const waits = of("baton.task.wait");
  const runs = of("messaging.process.duration");
  const head = ["sent", "waited", "runs", "on average", "at most", "retries"];
  return [
    row(paint("bold", fit(title, first(head))), head, "dim"),
    ...tasksOf(runs).map((task) => {
      const run = durations(runs, task);
      return row(fit(task, first(head)), [
        String(total(of("messaging.client.sent.messages"), task)),
        duration(durations(waits, task).meanMs),
        String(run.count),
        duration(run.meanMs),
        duration(run.maxMs),
        String(total(of("baton.task.retries"), task) || "–"),
      ]);
    }),
  ];
}

/** One line of the table of costs. */
export interface Bill {
  readonly title: string;
  readonly queue: string;
  readonly tasks: number;
}

/** What the broker was asked, in all and for each task. */
export function drawCosts(
  title: string,
  collector: Collector,
  bills: readonly Bill[],
  countsCommands: boolean,
): readonly string[] {
  const head = [
    "tasks",
    "requests",
    "a task",
    "commands",
    "a task",
    "a request",
  ];
  return [
    row(paint("bold", fit(title, first(head))), head, "dim"),
    ...bills.map(({ title, queue, tasks }) => {
      const of = (metric: string) => ({ collector, queue, metric });
      const requests = total(of("baton.broker.requests"));
      const commands = total(of("baton.broker.commands"));
      const { meanMs } = durations(of("messaging.client.operation.duration"));
      return row(fit(title, first(head)), [
        whole(tasks),
        whole(requests),
        share(requests, tasks),
        countsCommands ? whole(commands) : "–",
        countsCommands ? share(commands, tasks) : "–",
        duration(meanMs),
      ]);
    }),
  ];
}

/** How wide the first column is, beside the others. */
function first(others: readonly string[]): number {
  return columns() - 4 - others.length * CELL;
}

function row(
  head: string,
  cells: readonly string[],
  ink?: "dim",
): string {
  const rest = cells.map((cell) => cell.padStart(CELL)).join("");
  return `  ${head}${ink === undefined ? rest : paint(ink, rest)}`;
}

function whole(n: number): string {
  return n.toLocaleString("en");
}

function share(n: number, tasks: number): string {
  const each = n / tasks;
  return each.toFixed(each < 1 ? 3 : 2);
}
