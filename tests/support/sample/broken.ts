/** A suite that cannot be loaded, for the runner's own suite. */
import { test } from "../suite.ts";

test("good() never runs", () => {});

throw new Error("while loading");
