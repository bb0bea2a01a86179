import type { Library } from "./resource.ts";

/** What is exported, by the library that made it. */
export function byLibrary<T>(
  items: readonly T[],
  libraryOf: (item: T) => Library,
): Map<Library, T[]> {
  const groups = new Map<Library, T[]>();
  for (const item of items) {
    const library = libraryOf(item);
    const group = groups.get(library);
    if (group === undefined) groups.set(library, [item]);
    else group.push(item);
  }
  return groups;
}
