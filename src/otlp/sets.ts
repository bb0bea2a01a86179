import type { HrTime } from "@opentelemetry/api";
import {
  type AttributeList,
  attributeList,
  type Attributes,
} from "./attributes.ts";
import { MAX_SETS, MAX_STEPS } from "./bounds.ts";
import type { Series } from "./metric.ts";

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
export interface AttributeSets {
  /** The set that was learnt of attributes in just this order. */
  find(attributes: Attributes): AttributeSet | undefined;
  /** The set of attributes in whatever order; that of the overflow when it is new and there is no room. */
  learn(attributes: Attributes, hasRoom: boolean): AttributeSet;
  /** The set that stands for all those that there is no room for. */
  overflow(): AttributeSet;
  /** The known set that equals this one; this one itself when there is none any more. */
  known(set: AttributeSet): AttributeSet;
  /** Forgets sets without numbers once there are many, and how any are spelt. */
  tidy(): void;
}

/** Makes a table without any. */
export function makeSets(): AttributeSets {
  const sets = new Map<string, AttributeSet>();
  let root = newPath();
  let steps = 0;

  const known = (set: AttributeSet) => {
    const own = sets.get(set.id) ?? set;
    sets.set(set.id, own);
    return own;
  };

  const overflow = () =>
    known(newSet(
      OVERFLOW_ID,
      attributeList({ "otel.metric.overflow": true }),
    ));

  /** Where the look-up ends, on paths that are made where there are none if it `learns`. */
  const walk = (attributes: Attributes, learns: boolean): Path | undefined => {
    let path = root;
    for (const key in attributes) {
      const value: unknown = attributes[key];
      if (value === undefined || value === null) continue;
      let step = path.step;
      while (step && step.key !== key) step = step.other;
      let next = step?.values.get(value);
      if (!next) {
        if (!learns) return undefined;
        step ??= path.step = { key, values: new Map(), other: path.step };
        step.values.set(value, next = newPath());
        steps++;
      }
      path = next;
    }
    return path;
  };

  // Whose attributes never change says so by freezing them.
  let last: Attributes | undefined;
  let lastSet: AttributeSet | undefined;

  return {
    find(attributes) {
      if (attributes === last && lastSet) return lastSet;
      const set = walk(attributes, false)?.set;
      lastSet = attributes === last && Object.isFrozen(attributes)
        ? set
        : undefined;
      last = attributes;
      return set;
    },
    learn(attributes, hasRoom) {
      const list = attributeList(attributes);
      const id = identify(list);
      if (!hasRoom && !sets.has(id)) return overflow();
      const set = known(newSet(id, list));
      // values that are equal only when they are the same
      const isPlain = Object.values(attributes)
        .every((value) => typeof value !== "object" || value === null);
      if (isPlain && steps < MAX_STEPS) walk(attributes, true)!.set = set;
      return set;
    },
    overflow,
    known,
    tidy() {
      if (sets.size < MAX_SETS && steps < MAX_STEPS) return;
      root = newPath();
      lastSet = undefined;
      steps = 0;
      for (const [id, { series }] of sets) {
        if (!series) sets.delete(id);
      }
    },
  };
}

function newSet(id: string, attributes: AttributeList): AttributeSet {
  return { id, attributes, startAt: undefined, series: undefined, exported: 0 };
}

function newPath(): Path {
  return { set: undefined, step: undefined };
}

/** The same text for the same attributes, in whatever order they are given; values of two types are never the same. */
function identify({ keys, values }: AttributeList): string {
  const pairs = keys.map((key, i) => [key, values[i]]);
  return JSON.stringify(
    pairs.sort(),
    (_, part) => typeof part === "object" ? part : typeof part + part,
  );
}
