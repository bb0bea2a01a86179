/**
 * The house rules of `src` as a lint plugin: which way imports point, what a
 * portable file may name, how long it may be. `deno lint` applies it, so does
 * tests/host/architecture_test.ts, which also proves that each rule can fail.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A file imports from its own folder or one on a lower floor. */
export const floors: Readonly<Record<string, number>> = {
  core: 0,
  codec: 1,
  w3c: 1,
  http: 2,
  broker: 2,
  otlp: 3,
  queue: 4,
  hono: 5,
  cron: 5,
  upstash: 5,
};

/**
 * The rooms of `src/queue`: one takes what it runs from those before it. Types
 * may come from any, and so may what is loaded when it is called. The files in
 * `src/queue` itself are the faces of it all, under no such order.
 */
const rooms: readonly string[] = [
  "trace",
  "wake",
  "admin",
  "enqueue",
  "workflow",
  "attempt",
  "schedule",
  "seal",
  "consume",
];

/** The packages that a folder's files may import, at run time or for their types. */
const packages: Readonly<Record<string, readonly string[]>> = {
  http: ["@opentelemetry/api"],
  w3c: ["@opentelemetry/api"],
  otlp: ["@opentelemetry/api"],
  queue: ["@opentelemetry/api"],
  hono: ["@opentelemetry/api", "hono"],
  cron: ["@opentelemetry/api"],
  upstash: ["@upstash/redis"],
};

/** The packages whose types, and no more, a folder's files may import. */
const typesOf: Readonly<Record<string, readonly string[]>> = {
  core: ["@opentelemetry/api"],
};

/** `otlp` knows nothing of queues: of the floors below it may use only these files. */
const knownToOtlp: readonly string[] = [
  "core/check.ts",
  "core/clock.ts",
  "core/id.ts",
  "core/codes.ts",
  "core/safely.ts",
  "core/storage.ts",
];

/** Where AsyncLocalStorage is looked up, should the host have it: the one place that names a host. */
const hostLookup = "src/core/storage.ts";

/** The only files of `src/queue` that spell the messaging conventions. */
const conventions: readonly string[] = [
  "src/queue/trace/conventions.ts",
  "src/queue/trace/consumer_conventions.ts",
  "src/queue/trace/django_q2.ts",
];

/** Lines that a file may have; the aim is well under 300. */
const longest = 320;

/** The path below the repository when it is the library's own, else undefined. */
function ours(filename: string): string | undefined {
  const path = filename.startsWith(root)
    ? filename.slice(root.length)
    : filename;
  return path === "mod.ts" || path.startsWith("src/") ? path : undefined;
}

/** The folder under `src`, or "" for mod.ts. */
function folderOf(path: string): string {
  return path === "mod.ts" ? "" : path.split("/")[1] ?? "";
}

/** How an import takes what it names. */
type Manner = "value" | "type" | "later";

/** What is wrong with a room's importing from another, or undefined. */
function roomProblem(
  path: string,
  target: string,
  manner: Manner,
): string | undefined {
  const [from, to] = [path, target].map((file) =>
    file.match(/^src\/queue\/(\w+)\//)?.[1]
  );
  if (from === undefined || to === undefined || from === to) return undefined;
  const [above, below] = [rooms.indexOf(from), rooms.indexOf(to)];
  if (above < 0 || below < 0) {
    return `${above < 0 ? from : to} has no place: name it in rooms`;
  }
  return manner === "value" && above < below
    ? `${path} must not run ${target}: ${to} comes after ${from}`
    : undefined;
}

/** What is wrong with importing `specifier` in `path`, or undefined. */
function importProblem(
  path: string,
  specifier: string,
  manner: Manner,
): string | undefined {
  const from = folderOf(path);
  const typeOnly = manner === "type";
  if (!/^\.\.?\//.test(specifier)) {
    const name = specifier.match(/^(?:@[^/]+\/)?[^/]+/)?.[0] ?? specifier;
    const allowed = [
      ...packages[from] ?? [],
      ...typeOnly ? typesOf[from] ?? [] : [],
    ];
    return allowed.includes(name)
      ? undefined
      : `${path} must not import ${specifier}: ${from || "mod.ts"} may use ${
        allowed.join(", ") || "no package"
      }${typeOnly ? "" : " at run time"}`;
  }
  if (!specifier.endsWith(".ts")) {
    return `${path} must import ${specifier} with its extension, .ts`;
  }
  const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
  const to = folderOf(target);
  if (!target.startsWith("src/")) {
    return `${path} must not import ${target}: it is outside src`;
  }
  if (from === "queue" && to === "queue") {
    return roomProblem(path, target, manner);
  }
  if (from === "" || from === to) return undefined;
  const [above, below] = [floors[from], floors[to]];
  if (above === undefined || below === undefined) {
    return `${above === undefined ? from : to} has no floor: name it in floors`;
  }
  if (above <= below) {
    return `${path} must not import ${target}: ${to} is on floor ${below}, ${from} on ${above}`;
  }
  if (
    from === "otlp" && to !== "w3c" && to !== "http" &&
    !knownToOtlp.includes(target.slice("src/".length))
  ) {
    return `${path} must not import ${target}: otlp knows nothing of queues`;
  }
  return undefined;
}

type Rule = Deno.lint.Rule;

/** A rule that looks only at the library's own files. */
function rule(
  visitor: (
    path: string,
    report: (node: Deno.lint.Node, message: string) => void,
    source: string,
  ) => Deno.lint.LintVisitor,
): Rule {
  return {
    create(context) {
      const path = ours(context.filename);
      if (path === undefined) return {};
      return visitor(
        path,
        (node, message) => context.report({ node, message }),
        context.sourceCode.text,
      );
    },
  };
}

const imports: Rule = rule((path, report) => {
  const check = (
    node: Deno.lint.Node,
    specifier: unknown,
    manner: Manner,
  ): void => {
    const problem = typeof specifier === "string"
      ? importProblem(path, specifier, manner)
      : `${path} must import by a literal name`;
    if (problem) report(node, problem);
  };
  return {
    ImportDeclaration: (node) =>
      check(node, node.source.value, node.importKind),
    ExportNamedDeclaration: (node) => {
      if (node.source) {
        check(node, node.source.value, node.exportKind);
      }
    },
    ExportAllDeclaration: (node) =>
      check(node, node.source.value, node.exportKind),
    ImportExpression: (node) =>
      check(
        node,
        node.source.type === "Literal" ? node.source.value : undefined,
        "later",
      ),
  };
});

const portable: Rule = rule((path, report) => {
  if (path === hostLookup) return {};
  return {
    Identifier(node) {
      const names = node.parent.type === "MemberExpression" ||
        node.parent.type === "TSPropertySignature" ||
        node.parent.type === "Property";
      if (
        node.name === "Deno" || node.name === "Bun" ||
        (node.name === "process" && names)
      ) {
        report(
          node,
          `${path} names ${node.name}: take what it offers as an option`,
        );
      }
    },
    Literal(node) {
      if (typeof node.value === "string" && node.value.startsWith("node:")) {
        report(
          node,
          `${path} names ${node.value}: Node's modules are not everywhere`,
        );
      }
    },
  };
});

const plain: Rule = rule((path, report) => ({
  ExportDefaultDeclaration: (node) =>
    report(node, `${path} has a default export: name it`),
  TaggedTemplateExpression: (node) =>
    report(node, `${path} tags a template: bundlers keep it, used or not`),
  Decorator: (node) => report(node, `${path} has a decorator`),
  ClassDeclaration(node) {
    const parent = node.superClass;
    if (
      parent && !(parent.type === "Identifier" && parent.name.endsWith("Error"))
    ) report(node, `${path} inherits: only errors do`);
  },
  NewExpression(node) {
    if (node.callee.type === "Identifier" && node.callee.name === "Proxy") {
      report(node, `${path} makes a Proxy`);
    }
  },
}));

const conventional: Rule = rule((path, report) => {
  if (conventions.includes(path)) return {};
  const check = (node: Deno.lint.Node, text: unknown): void => {
    if (typeof text === "string" && text.includes("messaging.")) {
      report(node, `${path} spells "messaging.": ${conventions[0]} does`);
    }
  };
  return {
    Literal: (node) => check(node, node.value),
    TemplateElement: (node) => check(node, node.cooked),
  };
});

const lua: Rule = rule((path, report) => {
  if (!path.startsWith("src/broker/")) return {};
  return {
    TemplateElement(node) {
      if (/^\s*--/m.test(node.cooked)) {
        report(
          node,
          `${path} has a comment inside a script: it would travel in every EVAL`,
        );
      }
    },
  };
});

const tidy: Rule = rule((path, report, source) => ({
  Program(node) {
    const lines = source.split("\n").length - 1;
    if (lines > longest) {
      report(node, `${path} has ${lines} lines: at most ${longest}`);
    }
    const left = /\b(TODO|FIXME|XXX|HACK)\b/.exec(source)?.[1];
    if (left) report(node, `${path} says ${left}: do it or say it in an issue`);
    const name = path.split("/").at(-1) ?? "";
    if (!/^[a-z0-9]+(_[a-z0-9]+)?\.ts$/.test(name)) {
      report(node, `${path}: a file's name is one or two words, in snake_case`);
    }
    if (/^(utils?|helpers?|common|index|misc|shared)\.ts$/.test(name)) {
      report(node, `${path}: name the file after its one idea`);
    }
    const depth = path.split("/").length;
    if (path !== "mod.ts" && (depth < 3 || !(folderOf(path) in floors))) {
      report(node, `${path} is in no folder that has a floor`);
    }
  },
}));

/** The rules, by name. */
const house: Deno.lint.Plugin = {
  name: "house",
  rules: { imports, portable, plain, conventional, lua, tidy },
};

export default house;
