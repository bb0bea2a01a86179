/** A suite that passes, for the runner's own suite. */
import { test } from "../suite.ts";

test("good() passes", () => {});
