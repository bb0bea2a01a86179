/**
 * The program that measures `Telemetry` beside the official SDK v3, on the runtime that runs it. It prints its rows as JSON.
 *
 * Arguments: how many rounds, and the milliseconds of each for each peer.
 */
import { argv } from "node:process";
import { classesOf } from "../../support/official.ts";
import { compete } from "./contest.ts";
import { histogramContest } from "./histogram.ts";
import { propagationContest } from "./propagation.ts";
import { spanContests } from "./spans.ts";

const [rounds = 5, roundMs = 500] = argv.slice(2).map(Number);
const classes = classesOf(3);
const rows = await compete([
  ...spanContests(classes),
  histogramContest(classes),
  propagationContest(classes),
], { rounds, roundMs });
console.log(JSON.stringify(rows));
