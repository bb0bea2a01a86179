/** A value as readable lines, with sorted keys, and the difference of two such texts. */

/** Renders any value over as many lines as it needs. */
export function show(value: unknown): string {
  return render(value, "", []);
}

/** One line, cut short: for messages that name a value in passing. */
export function brief(value: unknown): string {
  const line = show(value).replace(/\s*\n\s*/g, " ");
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

/** The lines of both texts: `-` only in the actual one, `+` only in the expected one, a run of common ones cut short. */
export function diff(actual: string, expected: string): string {
  const lines = align(actual.split("\n"), expected.split("\n"));
  const near = (at: number): boolean =>
    lines.slice(Math.max(0, at - 3), at + 4).some((line) => line[0] !== " ");
  const out: string[] = [];
  for (const [at, line] of lines.entries()) {
    if (near(at)) out.push(line);
    else if (out.at(-1) !== "  …") out.push("  …");
  }
  return out.join("\n");
}

function render(
  value: unknown,
  indent: string,
  above: readonly object[],
): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "function") return `[Function ${value.name}]`;
  if (typeof value !== "object" || value === null) return String(value);
  if (above.includes(value)) return "[Circular]";
  const path = [...above, value];
  const deeper = indent + "  ";
  const nested = (inner: unknown): string => render(inner, deeper, path);
  const lines = (open: string, items: readonly string[], close: string) =>
    items.length === 0
      ? open + close
      : `${open}\n${items.map((item) => `${deeper}${item},\n`).join("")}` +
        indent + close;
  const properties = (): string[] =>
    Reflect.ownKeys(value)
      .filter((key) =>
        Object.getOwnPropertyDescriptor(value, key)?.enumerable &&
        !(Array.isArray(value) && /^\d+$/.test(String(key)))
      )
      .sort((a, b) => String(a) < String(b) ? -1 : 1)
      .map((key) =>
        `${keyName(key)}: ${
          nested((value as Record<PropertyKey, unknown>)[key])
        }`
      );

  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? "Date(invalid)" : value.toJSON();
  }
  if (value instanceof RegExp) return String(value);
  if (value instanceof URL) return `URL(${value.href})`;
  if (value instanceof Error) {
    const cause = value.cause === undefined
      ? []
      : [`cause: ${nested(value.cause)}`];
    return lines(
      `${value.name}(${JSON.stringify(value.message)}) {`,
      [...properties(), ...cause],
      "}",
    );
  }
  if (value instanceof Map) {
    const entries = [...value].map(([k, v]) => `${nested(k)} => ${nested(v)}`);
    return lines(`Map(${value.size}) {`, entries.sort(), "}");
  }
  if (value instanceof Set) {
    return lines(`Set(${value.size}) {`, [...value].map(nested).sort(), "}");
  }
  if (ArrayBuffer.isView(value) && "length" in value) {
    const numbers = Array.from(value as unknown as ArrayLike<number>);
    return `${value.constructor.name}(${value.length}) [${numbers.join(", ")}]`;
  }
  if (Array.isArray(value)) {
    const items = Array.from(value, nested); // holes become undefined
    return lines("[", [...items, ...properties()], "]");
  }
  return lines(`${className(value)}{`, properties(), "}");
}

function keyName(key: PropertyKey): string {
  if (typeof key === "symbol") return `[${String(key)}]`;
  return /^[A-Za-z_$][\w$]*$/.test(String(key))
    ? String(key)
    : JSON.stringify(key);
}

function className(value: object): string {
  const name = Object.getPrototypeOf(value)?.constructor?.name ?? "";
  return name === "" || name === "Object" ? "" : `${name} `;
}

/** Lines in common by a longest common subsequence of what lies between the equal ends; too long a middle is shown whole. */
function align(a: readonly string[], b: readonly string[]): string[] {
  let head = 0;
  while (head < Math.min(a.length, b.length) && a[head] === b[head]) head++;
  let tail = 0;
  while (
    tail < Math.min(a.length, b.length) - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  ) tail++;
  const common = (line: string): string => `  ${line}`;
  return [
    ...a.slice(0, head).map(common),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(common),
  ];
}

function middle(a: readonly string[], b: readonly string[]): string[] {
  const removed = (line: string): string => `- ${line}`;
  const added = (line: string): string => `+ ${line}`;
  if (a.length * b.length > 1_000_000) {
    return [...a.map(removed), ...b.map(added)];
  }
  const wide = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * wide);
  const at = (i: number, j: number): number => longest[i * wide + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * wide + j] = a[i] === b[j]
        ? at(i + 1, j + 1) + 1
        : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const out: string[] = [];
  let i = 0, j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      out.push(`  ${a[i]}`);
      i++, j++;
    } else if (at(i + 1, j) >= at(i, j + 1)) out.push(removed(a[i++] ?? ""));
    else out.push(added(b[j++] ?? ""));
  }
  return [...out, ...a.slice(i).map(removed), ...b.slice(j).map(added)];
}
