/**
 * Which row of the runner's table a suite runs in, for what a host must or must not offer.
 *
 * @module
 */

let told: string | undefined;

/** Told by workerd's entry: its configuration names the row. */
export function tellRow(name: string): void {
  told = name;
}

/** The row that the running test belongs to: "deno", "bun", "workerd, without Node" or "workerd, nodejs_compat". */
export function row(): string {
  if (told !== undefined) return told;
  return "Bun" in globalThis ? "bun" : "deno";
}
