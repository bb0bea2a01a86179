import type { Clock } from "../core/clock.ts";
import { CLOCK } from "./lua/base.ts";
import { CALLED_CLOCK, GUARDED_CLOCK } from "./lua/told.ts";
import type { Script } from "./script.ts";

/** How long a reading of the server's time is carried on before it is read again: clocks of machines drift apart. */
const TRUSTED_MS = 600_000;

/** Redis command TIME: seconds, and microseconds of the second. */
export type ReadTime = () => Promise<
  readonly [number | string, number | string]
>;

/** The server's time as this process knows it: read now and then, carried on by its own steady clock in between. */
export class ServerTime {
  readonly #read: ReadTime;
  readonly #clock: Clock;
  #readAt = -Infinity;
  #offsetMs = 0;

  constructor(read: ReadTime, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  /** The current instant in whole microseconds. */
  async us(): Promise<number> {
    if (this.#clock.now() - this.#readAt > TRUSTED_MS) {
      const [seconds, us] = await this.#read();
      this.#readAt = this.#clock.now();
      this.#offsetMs = Number(seconds) * 1_000 + Number(us) / 1_000 -
        this.#readAt;
    }
    return Math.round((this.#offsetMs + this.#clock.now()) * 1_000);
  }
}

const told = new Map<string, string>();

/** The source of a script that is told the time instead of asking for it; made once. */
export function toldTime({ source, keys }: Script): string {
  const known = told.get(source);
  if (known !== undefined) return known;
  const clock = keys.includes("meta") ? GUARDED_CLOCK : CALLED_CLOCK;
  const made = source.replace(CLOCK, () => clock);
  told.set(source, made);
  return made;
}
