/** What the packages of tests/tools export, on Deno and on Bun: they have a lock file of their own, so that the project's stays small. */
import { createRequire } from "node:module";

const require = createRequire(
  new URL("../tools/package.json", import.meta.url),
);

/**
 * What an installed package exports, such as `bullmq` or the official OpenTelemetry SDK.
 * Its types are the caller's to state.
 */
export function required<T>(name: string): T {
  try {
    return require(name) as T;
  } catch (cause) {
    throw new Error(
      `'${name}' of tests/tools cannot be loaded: run \`deno task test\` once`,
      { cause },
    );
  }
}
