import type { AttributeList } from "./attributes.ts";
import { remembered } from "./bytes.ts";
import type { Library } from "./resource.ts";
import { writeAttributes } from "./write_attributes.ts";
import * as w from "./writer.ts";

/** Writes one signal's request: items of one resource, by the library that made them. */
export function writeRequest<T>(
  [perResource, perLibrary, plural]: readonly [string, string, string],
  resource: AttributeList,
  items: readonly T[],
  libraryOf: (item: T) => Library,
  write: (item: T) => void,
): void {
  w.messages(1, perResource, [resource], () => {
    remembered(resource, writeResource);
    w.messages(
      2,
      perLibrary,
      byLibrary(items, libraryOf),
      ([library, group]) => {
        remembered(library, writeLibrary);
        w.messages(2, plural, group, write);
        w.string(3, "schemaUrl", library.schemaUrl);
      },
    );
  });
}

/** Items by their library; mostly all have the same, and grouping takes its time. */
function byLibrary<T>(
  items: readonly T[],
  libraryOf: (item: T) => Library,
): readonly (readonly [Library, readonly T[]])[] {
  const [library] = items.slice(0, 1).map(libraryOf);
  for (const item of items) {
    if (libraryOf(item) !== library) return [...Map.groupBy(items, libraryOf)];
  }
  return library ? [[library, items]] : [];
}

function writeResource(resource: AttributeList): void {
  const start = w.open(1, "resource");
  writeAttributes(1, resource);
  w.close(start);
}

function writeLibrary({ name, version }: Library): void {
  const start = w.open(1, "scope");
  w.string(1, "name", name);
  w.string(2, "version", version);
  w.close(start);
}
