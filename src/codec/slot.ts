/** The slot of a schedule that a task was enqueued for. */
export interface Slot {
  /** The schedule's name. */
  readonly schedule: string;
  /** The slot, in milliseconds since the epoch. */
  readonly at: number;
}

/** A slot as it stands in an envelope. */
export function writeSlot({ schedule, at }: Slot): unknown {
  return [schedule, at];
}

/** The slot of an envelope, as far as it can be read. */
export function readSlot(value: unknown): Slot | undefined {
  if (!Array.isArray(value)) return undefined;
  const [schedule, at] = value as readonly unknown[];
  return typeof schedule === "string" && typeof at === "number"
    ? { schedule, at }
    : undefined;
}
