import type { HrTime } from "@opentelemetry/api";
import {
  type AttributeList,
  attributeList,
  type Attributes,
  toAttributeValue,
} from "./attributes.ts";
import type { Series } from "./metric.ts";

/** The specification's default: so many sets of attributes an instrument, the overflow included. */
export const MAX_SETS = 2000;

/** Beyond so many remembered steps, a set is looked up by its sorted text. */
const MAX_STEPS = 4 * MAX_SETS;

/** No other set has it: theirs are lists in JSON. */
export const OVERFLOW_ID = "";

/** One set of attributes of one instrument; it outlives exports, so that it is found quickly. */
export interface AttributeSet {
  readonly id: string;
  readonly attributes: AttributeList;
  /** When it was measured first. */
  startAt: HrTime | undefined;
  /** Its numbers, once it has any for the next export. */
  series: Series | undefined;
  /** How much of an observed total has been exported. */
  exported: number;
}

/** Where the look-up is after some attributes. */
interface Path {
  set: AttributeSet | undefined;
  step: Step | undefined;
}

/** The next key of the look-up, and where each of its values leads. */
interface Step {
  readonly key: string;
  readonly values: Map<unknown, Path>;
  /** The step for another key in the same place. */
  readonly other: Step | undefined;
}

/** The sets of attributes of one instrument, as many as two exports may have. */
export class AttributeSets {
  readonly #sets = new Map<string, AttributeSet>();
  #root = newPath();
  #steps = 0;

  /** The set that was learnt of attributes in just this order. */
  find(attributes: Attributes): AttributeSet | undefined {
    let path: Path | undefined = this.#root;
    for (const key in attributes) {
      const value: unknown = attributes[key];
      if (value === undefined || value === null) continue;
      let step: Step | undefined = path.step;
      while (step !== undefined && step.key !== key) step = step.other;
      path = step?.values.get(value);
      if (path === undefined) return undefined;
    }
    return path.set;
  }

  /** The set of attributes in whatever order; that of the overflow when it is new and there is no room. */
  learn(attributes: Attributes, hasRoom: boolean): AttributeSet {
    const id = identify(attributes);
    const known = this.#sets.get(id);
    if (known === undefined && !hasRoom) return this.overflow();
    const set = known ?? this.#add(id, attributes);
    this.#remember(attributes, set);
    return set;
  }

  /** The set that stands for all those that there is no room for. */
  overflow(): AttributeSet {
    return this.#sets.get(OVERFLOW_ID) ??
      this.#add(OVERFLOW_ID, { "otel.metric.overflow": true });
  }

  /** The known set that equals this one; this one itself when there is none any more. */
  known(set: AttributeSet): AttributeSet {
    const known = this.#sets.get(set.id);
    if (known === undefined) this.#sets.set(set.id, set);
    return known ?? set;
  }

  /** Forgets sets without numbers once there are many, and how any are spelt. */
  tidy(): void {
    if (this.#sets.size < MAX_SETS && this.#steps < MAX_STEPS) return;
    this.#root = newPath();
    this.#steps = 0;
    for (const [id, { series }] of this.#sets) {
      if (series === undefined) this.#sets.delete(id);
    }
  }

  #add(id: string, from: Attributes): AttributeSet {
    const attributes = attributeList(from);
    const set: AttributeSet = {
      id,
      attributes,
      startAt: undefined,
      series: undefined,
      exported: 0,
    };
    this.#sets.set(id, set);
    return set;
  }

  /** Remembers attributes whose values are equal only when they are the same. */
  #remember(attributes: Attributes, set: AttributeSet): void {
    const entries = Object.entries(attributes)
      .filter(([, value]) => value !== undefined && value !== null);
    const isPlain = entries.every(([, value]) => typeof value !== "object");
    if (!isPlain || this.#steps >= MAX_STEPS) return;
    let path = this.#root;
    for (const [key, value] of entries) {
      let step = path.step;
      while (step !== undefined && step.key !== key) step = step.other;
      step ??= path.step = { key, values: new Map(), other: path.step };
      let next = step.values.get(value);
      if (next === undefined) {
        step.values.set(value, next = newPath());
        this.#steps++;
      }
      path = next;
    }
    path.set = set;
  }
}

function newPath(): Path {
  return { set: undefined, step: undefined };
}

/** The same text for the same attributes, in whatever order they are given. */
function identify(attributes: Attributes): string {
  const parts: unknown[] = [];
  for (const key of Object.keys(attributes).sort()) {
    const value = attributes[key];
    if (value === undefined || value === null) continue;
    const isPlain = typeof value !== "object";
    const text = isPlain ? String(value) : toAttributeValue(value, Infinity);
    parts.push(key, typeof value, text);
  }
  return JSON.stringify(
    parts,
    (_, value) => typeof value === "bigint" ? String(value) : value,
  );
}
