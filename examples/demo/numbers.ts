/** What the receiver was told in numbers. */
import type {
  Collector,
  ReceivedPoint,
} from "../../tests/support/collector.ts";

/** The points of one metric of one queue. */
export interface Series {
  readonly collector: Collector;
  readonly queue: string;
  readonly metric: string;
}

/** How many, and in milliseconds how long on average and at most. */
export interface Durations {
  readonly count: number;
  readonly meanMs: number;
  readonly maxMs: number;
}

/** The sum of a counter over all exports; of one task only, where one is named. */
export function total(series: Series, task?: string): number {
  return add(pointsOf(series, task), ({ value }) => value);
}

/** What a histogram says over all exports; of one task only, where one is named. */
export function durations(series: Series, task?: string): Durations {
  const points = pointsOf(series, task);
  const count = add(points, (point) => point.count);
  const seconds = add(points, ({ sum }) => sum);
  return {
    count,
    meanMs: count === 0 ? 0 : seconds * 1_000 / count,
    maxMs: Math.max(0, ...points.map(({ max = 0 }) => max)) * 1_000,
  };
}

/** The tasks that a metric knows. */
export function tasksOf(series: Series): readonly string[] {
  const names = pointsOf(series).map(({ attributes }) =>
    String(attributes["baton.task.name"])
  );
  return [...new Set(names)];
}

function pointsOf(
  { collector, queue, metric }: Series,
  task?: string,
): readonly ReceivedPoint[] {
  return collector.points(metric).filter(({ attributes }) =>
    attributes["messaging.destination.name"] === queue &&
    (task === undefined || attributes["baton.task.name"] === task)
  );
}

function add(
  points: readonly ReceivedPoint[],
  of: (point: ReceivedPoint) => number | undefined,
): number {
  return points.reduce((sum, point) => sum + (of(point) ?? 0), 0);
}
