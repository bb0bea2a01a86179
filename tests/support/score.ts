/**
 * JSR's score of the package, as far as it can be known before it is published:
 * what a description, two runtimes and the provenance add is set and proven there.
 *
 * @module
 */
import { manifest, root } from "./offline.ts";

/** What `deno doc --json` says of a module. */
interface Documented {
  readonly nodes: Readonly<Record<string, Module>>;
}

interface Module {
  readonly module_doc?: JsDoc;
  readonly symbols: readonly {
    readonly name: string;
    readonly declarations: readonly {
      readonly declarationKind: string;
      readonly jsDoc?: JsDoc;
    }[];
  }[];
}

interface JsDoc {
  readonly doc?: string;
  readonly tags?: readonly { readonly kind: string; readonly doc?: string }[];
}

/** A factor of the score. */
interface Factor {
  readonly name: string;
  readonly points: number;
  readonly of: number;
  readonly missing: readonly string[];
}

/** The table of the factors; rejects with it when one is not full. `docOf` gives what `deno doc --json` says of a file; that types are not slow is told by `deno publish`. */
export async function score(
  docOf: (file: string) => Promise<string>,
): Promise<string> {
  const undocumented: string[] = [];
  const symbols: string[] = [];
  const bare: string[] = [];
  for (const [entry, file] of Object.entries(manifest().exports)) {
    const { nodes }: Documented = JSON.parse(await docOf(file));
    const module = nodes[new URL(file, root).href];
    if (module === undefined) throw new Error(`${entry} is not documented`);
    if (!hasExample(module.module_doc)) bare.push(entry);
    for (const { name, declarations } of module.symbols) {
      symbols.push(`${entry} ${name}`);
      const says = declarations.some(({ jsDoc }) => jsDoc?.doc);
      if (!says) undocumented.push(`${entry} ${name}`);
    }
  }
  const readme = Deno.readTextFileSync(new URL("README.md", root));
  const share = 1 - undocumented.length / symbols.length;
  const factors: readonly Factor[] = [
    factor("a README", 2, readme.length > 1_000, "README.md"),
    factor("examples in it", 1, readme.includes("```ts"), "README.md"),
    {
      name: "each entry point has a module doc with an example",
      points: bare.length === 0 ? 1 : 0,
      of: 1,
      missing: bare,
    },
    {
      name: `${symbols.length} public symbols are documented`,
      points: Math.floor(5 * share),
      of: 5,
      missing: undocumented,
    },
  ];
  const table = factors.map(({ name, points, of, missing }) =>
    [`      ${points} of ${of}  ${name}`, ...missing].join("\n        ")
  ).join("\n");
  if (factors.every(({ points, of }) => points === of)) return table;
  throw new Error(table);
}

function factor(
  name: string,
  of: number,
  isMet: boolean,
  what: string,
): Factor {
  return { name, points: isMet ? of : 0, of, missing: isMet ? [] : [what] };
}

function hasExample(module: JsDoc | undefined): boolean {
  return module?.doc !== undefined &&
    (module.tags ?? []).some(({ kind, doc }) =>
      kind === "example" && doc?.includes("```ts")
    );
}
