/** A suite with a failure, for the runner's own suite. */
import { test } from "../suite.ts";

test("good() passes", () => {});
test("bad() fails", () => {
  throw new Error("as it should");
});
