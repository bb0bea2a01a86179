import {
  type AttributeList,
  attributeList,
  type Attributes,
} from "./attributes.ts";
import { MAX_SETS, MAX_STEPS } from "./bounds.ts";
import type { Series } from "./metric.ts";

/** One set of attributes of one instrument; it outlives exports, so that it is found quickly. */
export interface AttributeSet {
  readonly id: string;
  readonly attributes: AttributeList;
  /** When it was measured first, in milliseconds since the epoch. */
  startAt: number | undefined;
  /** Its numbers, once it has any for the next export. */
  series: Series | undefined;
  /** How much of an observed total has been exported. */
  exported: number;
}

/** Where the look-up is after some attributes, and how it goes on. */
interface Path {
  /** The next attribute's key. */
  key: string | undefined;
  /** Where each of its values leads. */
  values: Map<unknown, Path> | undefined;
  /** The way on for another key in the same place. */
  other: Path | undefined;
  /** The set of attributes that end here. */
  set: AttributeSet | undefined;
}

/** The sets of attributes of one instrument, as many as two exports may have. */
export interface AttributeSets {
  /** The set that stands for all those that there is no room for. */
  readonly overflow: AttributeSet;
  /** The set of attributes in whatever order; that of the overflow when there was no room for it. */
  find(attributes: Attributes | undefined): AttributeSet;
  /** The set that equals this one and is known; that of the overflow when it has no numbers and there is no room. */
  place(set: AttributeSet): AttributeSet;
  /** Forgets sets without numbers once there are many, and who had to go to the overflow. */
  tidy(): void;
}

/** Makes a table without any, which takes in new ones while it `hasRoom`. */
export function makeSets(hasRoom: () => boolean): AttributeSets {
  const sets = new Map<string, AttributeSet>();
  const overflow = newSet({ "otel.metric.overflow": true });

  const place = (wanted: AttributeSet) => {
    const own = sets.get(wanted.id) ?? wanted;
    const set = own.series || hasRoom() ? own : overflow;
    sets.set(set.id, set);
    return set;
  };

  let root = newPath();
  let steps = 0;

  /** Where attributes lead in just this order. */
  const walk = (attributes: Attributes | undefined): Path => {
    let path = root;
    for (const key in attributes) {
      const value: unknown = attributes[key];
      // lists and maps are the same only when their items are
      if (typeof value === "object" && value !== null) return newPath();
      path.key ??= key;
      while (path.key !== key) path = path.other ??= newPath(key);
      let next = path.values?.get(value);
      if (!next) {
        path.values ??= new Map();
        path.values.set(value, next = newPath());
        if (++steps % MAX_STEPS === 0) root = newPath();
      }
      path = next;
    }
    return path;
  };

  // Whose attributes never change says so by freezing them.
  let last: Attributes | undefined;
  let lastSet: AttributeSet | undefined;

  return {
    overflow,
    find(attributes) {
      if (attributes === last && lastSet) return lastSet;
      const path = walk(attributes);
      lastSet = attributes === last && Object.isFrozen(attributes)
        ? path.set
        : undefined;
      last = attributes;
      return path.set ??= place(newSet(attributes));
    },
    place,
    tidy() {
      if (hasRoom() && sets.size < MAX_SETS) return;
      root = newPath();
      lastSet = undefined;
      for (const [id, { series }] of sets) {
        if (!series) sets.delete(id);
      }
    },
  };
}

function newSet(given: Attributes | undefined): AttributeSet {
  const attributes = attributeList(given);
  return {
    id: identify(attributes),
    attributes,
    startAt: undefined,
    series: undefined,
    exported: 0,
  };
}

function newPath(key?: string): Path {
  return { key, values: undefined, other: undefined, set: undefined };
}

/** The same text for the same attributes, in whatever order they are given; values of two types are never the same. */
function identify({ keys, values }: AttributeList): string {
  const pairs = keys.map((key, i) => [key, values[i]]);
  return JSON.stringify(
    pairs.sort(),
    (_, part) => typeof part === "object" ? part : typeof part + part,
  );
}
