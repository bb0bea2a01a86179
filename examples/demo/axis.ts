/** Instants as places on a line of the terminal. */

/** Something that takes time. */
export interface Extent {
  /** Milliseconds since the epoch. */
  readonly startAt: number;
  readonly endAt: number;
}

/** The axis that all bars of a picture share. */
export interface Axis extends Extent {
  /** In cells. */
  readonly width: number;
}

/** Where a bar lies, in cells. */
export interface Place {
  readonly from: number;
  readonly bar: string;
}

/** The axis from the first start to the last end. */
export function axisOf(extents: readonly Extent[], width: number): Axis {
  return {
    startAt: Math.min(...extents.map(({ startAt }) => startAt)),
    endAt: Math.max(...extents.map(({ endAt }) => endAt)),
    width,
  };
}

/** The bar of an extent: a sliver for what is too short to see. */
export function place({ startAt, endAt }: Extent, axis: Axis): Place {
  const from = cellAt(startAt, axis);
  const exact = (endAt - startAt) / perCell(axis);
  const cells = Math.min(axis.width - from, Math.max(1, Math.round(exact)));
  return { from, bar: exact < 0.5 ? "▏" : "█".repeat(cells) };
}

/** The cell in which an instant lies. */
export function cellAt(at: number, axis: Axis): number {
  const cell = Math.floor((at - axis.startAt) / perCell(axis));
  return Math.max(0, Math.min(axis.width - 1, cell));
}

function perCell({ startAt, endAt, width }: Axis): number {
  return (endAt - startAt) / width || 1;
}
