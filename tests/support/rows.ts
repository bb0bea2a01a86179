/**
 * The rows of the test table: the same suites on each runtime, and what each
 * runtime's runner says turned into numbers.
 *
 * @module
 */
import { generate, root } from "./offline.ts";
import { type Ended, run } from "./process.ts";
import { bundle, program } from "./tools.ts";
import type { Printed } from "./workerd.ts";

/** What one runtime made of its suites. */
export interface Result {
  readonly passed: number;
  readonly failed: number;
  /** What to read when something failed, else empty. */
  readonly report: string;
}

/** Told while a runtime runs. */
export interface Progress {
  /** A suite began. */
  file(path: string): void;
  /** A test ended. */
  test(): void;
  /** Any line of output. */
  line(text: string): void;
}

/** The script that tells the suites where the gateway is: each run of the runner has its own, so that two may go on in one checkout. */
function hostScript(): string {
  return Deno.env.get("BATON_HOST_SCRIPT") ?? "host.js";
}

/** Suites on Deno; types are `deno task check`'s concern, so that one bad type does not hide all results. */
export async function onDeno(
  files: readonly string[],
  flags: readonly string[],
  progress: Progress,
): Promise<Result> {
  const ended = await run(Deno.execPath(), [
    "test",
    "--allow-all",
    "--frozen",
    "--no-check",
    ...flags,
    `--preload=.cache/${hostScript()}`,
    ...files,
  ], {
    cwd: root,
    onLine: (line) => {
      const file = /^running \d+ tests? from \.\/(\S+)/.exec(line)?.[1];
      if (file) progress.file(file);
      else if (/ \.\.\. .*(ok|FAILED|ignored)/.test(line)) progress.test();
      progress.line(line);
    },
  });
  const [, passed = 0, failed = 0, ignored = 0] = last(
    /^(?:ok|FAILED) \| (\d+) passed.* \| (\d+) failed(?:.* \| (\d+) ignored)?/gm,
    ended.text,
  );
  return summed(ended, +passed, +failed, +ignored, errorsOf(ended.text));
}

/** Suites on Bun. */
export async function onBun(
  files: readonly string[],
  progress: Progress,
): Promise<Result> {
  const ended = await run(program("bun"), [
    "test",
    "--no-install",
    `--preload=./.cache/${hostScript()}`,
    "--timeout=300000",
    ...files.map((file) => `./${file}`),
  ], {
    cwd: root,
    onLine: (line) => {
      const file = /^(\S+_test\.ts):$/.exec(line)?.[1];
      if (file) progress.file(file);
      else if (/^\((pass|fail)\)/.test(line)) progress.test();
      progress.line(line);
    },
  });
  const said = ended.text.split("\n").filter((l) => !l.startsWith("(pass)"));
  const count = (what: string): number =>
    Number(last(new RegExp(`^ *(\\d+) ${what}$`, "gm"), ended.text)[1] ?? 0);
  return summed(
    ended,
    count("pass"),
    count("fail"),
    count("skip") + count("todo"),
    said.join("\n"),
  );
}

/** All suites as one bundle in one service of workerd.capnp. */
export async function onWorkerd(
  service: "without-node" | "nodejs-compat",
  progress: Progress,
): Promise<Result> {
  const printed: Printed[] = [];
  const other: string[] = [];
  let done = false;
  const ended = await run(
    program("workerd"),
    ["test", "--experimental", ".cache/workerd.capnp", service],
    {
      cwd: root,
      onLine: (line) => {
        if (line.startsWith("TEST ")) {
          printed.push(JSON.parse(line.slice("TEST ".length)));
          progress.test();
        } else if (line.startsWith("DONE ")) done = true;
        else other.push(line);
        progress.line(line);
      },
    },
  );
  const bad = printed.filter((each) => each.error !== undefined);
  const whole = done && ended.code === 0 && !ended.stalled;
  const report = bad.map(({ name, error }) => `FAILED ${name}\n${error}\n`);
  if (!whole) report.push(ending(ended));
  if (report.length > 0) report.push(...other);
  return {
    passed: printed.length - bad.length,
    failed: bad.length + (whole ? 0 : 1),
    report: withSources(report.join("\n")),
  };
}

/** Makes the one module that workerd runs. */
export async function bundleForWorkerd(
  files: readonly string[],
): Promise<void> {
  const imports = [`./${hostScript()}`, ...files.map((file) => `../${file}`)];
  const entry = generate(
    "suites.ts",
    `${imports.map((path) => `import ${JSON.stringify(path)};\n`).join("")}` +
      `export { default } from "../tests/support/workerd.ts";\n`,
  );
  await bundle(entry, "suites.js");
  generate(
    "workerd.capnp",
    Deno.readTextFileSync(new URL("workerd.capnp", import.meta.url)),
  );
}

/** A runner that failed without a failed test counts as one; so does each test left out. */
function summed(
  ended: Ended,
  passed: number,
  broken: number,
  left: number,
  report: string,
): Result {
  const bad = broken + left;
  const failed = bad === 0 && (ended.code !== 0 || ended.stalled) ? 1 : bad;
  if (failed === 0) return { passed, failed, report: "" };
  const skipped = left > 0 ? `${left} tests were left out.\n` : "";
  return { passed, failed, report: `${ending(ended)}\n${skipped}${report}` };
}

/** The last match: what a test prints comes before what its runner does. */
function last(pattern: RegExp, text: string): readonly string[] {
  return [...text.matchAll(pattern)].at(-1) ?? [];
}

function ending({ code, stalled }: Ended): string {
  return stalled
    ? "It was silent for too long and was ended."
    : `It ended with code ${code}.`;
}

/** What Deno prints from its list of errors on; all of it when there is none. */
function errorsOf(text: string): string {
  const at = text.indexOf("\n ERRORS \n");
  return at < 0 ? text : text.slice(at + 1);
}

/** Places in the bundle, named by the file they came from: the bundler says it in a comment above each. */
function withSources(report: string): string {
  const bundle = Deno.readTextFileSync(new URL(".cache/suites.js", root))
    .split("\n");
  return report.replace(/suites\.js:(\d+):\d+/g, (place, line: string) => {
    const above = bundle.slice(0, Number(line))
      .findLast((text) => /^\/\/ \S+\.[jt]s$/.test(text));
    return above ? `${above.slice("// ".length)} (${place})` : place;
  });
}
