/** Every item of django-q2's inventory has its answer: the README says it, and a test or the API shows it. A module of it has its twin. */
import { assert, assertEquals } from "@std/assert";
import { Queue } from "../../mod.ts";
import { INVENTORY, type Proof, type Row } from "../support/inventory/mod.ts";
import { test } from "../support/suite.ts";

const tests = new URL("../", import.meta.url);
const readme = new URL("../../README.md", import.meta.url);
const rows = INVENTORY.flatMap((part) => part.rows);

test("the inventory names each item of a part once, and 15 wishes and 16 bugs", () => {
  for (const { title, rows } of INVENTORY) {
    const items = rows.map(({ item }) => item);
    assertEquals(items.length, new Set(items).size, title);
  }
  const numbered = (title: string) =>
    INVENTORY.find((part) => part.title === title)?.rows
      .map(({ item }) => parseInt(item));
  const upTo = (length: number) => Array.from({ length }, (_, n) => n + 1);
  assertEquals(numbered("The fifteen wishes"), upTo(15));
  assertEquals(numbered("The sixteen bugs"), upTo(16));
});

test("the inventory shows all that is there by a test that exists, or by the API", async () => {
  const queue = Queue.inMemory();
  const sources = new Map<string, Promise<string>>();
  const source = (suite: string) => {
    const read = sources.get(suite) ?? Deno.readTextFile(new URL(suite, tests));
    sources.set(suite, read);
    return read;
  };
  const isShown = async (proof: Proof) => {
    if ("has" in proof) return [proof.has(queue)].flat().every(Boolean);
    const text = await source(proof.suite);
    return proof.name !== "" && text.includes(proof.name);
  };
  for (const { item, kind, shown } of rows) {
    const needsProof = kind === "same" || kind === "better";
    assert(shown.length > 0 || !needsProof, `nothing shows ${item}`);
    for (const proof of shown) {
      const what = "has" in proof ? String(proof.has) : JSON.stringify(proof);
      assert(await isShown(proof), `${item}: not shown by ${what}`);
    }
  }
});

test("the README has the inventory, row by row", async () => {
  const text = await Deno.readTextFile(readme);
  for (const { title, rows } of INVENTORY) {
    const from = text.indexOf(`#### ${title}\n`);
    assert(from >= 0, `no part '${title}' in the README`);
    const lines = text.slice(from).split("\n").slice(1);
    const first = lines.findIndex((line) => line.startsWith("|"));
    const table = lines.slice(first + 2);
    const end = table.findIndex((line) => !line.startsWith("|"));
    assertEquals(table.slice(0, end).map(cells), rows.map(told), title);
  }
});

test("the README shows the module of examples/migration, before and after", async () => {
  const text = await Deno.readTextFile(readme);
  for (const file of ["migration.py", "migration.ts"]) {
    const url = new URL(`../../examples/${file}`, import.meta.url);
    const source = await Deno.readTextFile(url);
    const body = source.replace(/^("""[^]*?"""|\/\*\*[^]*?\*\/)\s+/, "").trim();
    assert(body.length > 1_000 && text.includes(body), file);
  }
});

function cells(line: string): readonly string[] {
  return line.split("|").slice(1, -1).map((cell) => cell.trim());
}

function told({ item, kind, baton }: Row): readonly string[] {
  return [item, kind, baton];
}
