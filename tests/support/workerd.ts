/**
 * Runs inside workerd what the suites declared; the bundle that `rows.ts` makes
 * ends with it, and `rows.ts` reads what it prints.
 *
 * @module
 */
import { tellRow } from "./row.ts";
import { type Declared, declared } from "./suite.ts";

/** One printed line, after `TEST `. */
export interface Printed {
  readonly name: string;
  readonly error?: string;
}

async function outcome({ name, body }: Declared): Promise<Printed> {
  try {
    await body();
    return { name };
  } catch (error) {
    const text = error instanceof Error
      ? `${error.stack}${error.cause ? `\ncaused by ${error.cause}` : ""}`
      : String(error);
    return { name, error: text };
  }
}

export default {
  async test(_: unknown, env: { readonly row: string }): Promise<void> {
    tellRow(env.row);
    for (const each of declared) {
      console.log(`TEST ${JSON.stringify(await outcome(each))}`);
    }
    console.log(`DONE ${declared.length}`);
  },
};
