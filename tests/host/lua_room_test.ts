/** How much room Baton's scripts have left in Lua, which takes no chunk of more than 200 local variables. On Deno only: it is the same code on the others. */
import { assert, assertEquals } from "@std/assert";
import { CANCEL } from "../../src/broker/lua/cancel.ts";
import { ENQUEUE } from "../../src/broker/lua/enqueue.ts";
import { FORGET } from "../../src/broker/lua/forget.ts";
import { GROUP } from "../../src/broker/lua/group.ts";
import { INSPECT } from "../../src/broker/lua/inspect.ts";
import { LIST } from "../../src/broker/lua/list.ts";
import { PAUSE_NAME } from "../../src/broker/lua/park.ts";
import { PAUSE } from "../../src/broker/lua/pause.ts";
import { PURGE } from "../../src/broker/lua/purge.ts";
import { REDRIVE } from "../../src/broker/lua/redrive.ts";
import { RESULT } from "../../src/broker/lua/result.ts";
import {
  SCHEDULE,
  SCHEDULES,
  SUSPEND,
  UNSCHEDULE,
} from "../../src/broker/lua/schedule.ts";
import { STATS } from "../../src/broker/lua/stats.ts";
import { STEP } from "../../src/broker/lua/step.ts";
import { toldTime } from "../../src/broker/time.ts";
import { redisCommand } from "../support/redis_command.ts";
import { test } from "../support/suite.ts";

/** How many local variables are to be free where a chunk has most of them. */
const ROOM = 8;

const SCRIPTS = [
  CANCEL,
  ENQUEUE,
  FORGET,
  GROUP,
  INSPECT,
  LIST,
  PAUSE,
  PAUSE_NAME,
  PURGE,
  REDRIVE,
  RESULT,
  SCHEDULE,
  SCHEDULES,
  STATS,
  STEP,
  SUSPEND,
  UNSCHEDULE,
];

/** What Redis says of a script with so many local variables more; nothing if it takes it. */
async function compiled(source: string, more: number): Promise<string> {
  const names = Array.from({ length: more }, (_, i) => `room${i}`);
  const first = more === 0 ? "" : `local ${names.join(",")}\n`;
  try {
    await redisCommand(["SCRIPT", "LOAD", first + source]);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

for (const script of SCRIPTS) {
  test(`the script '${script.name}' leaves room for ${ROOM} local variables more`, async () => {
    for (const source of [script.source, toldTime(script)]) {
      assertEquals(await compiled(source, 0), "");
      assertEquals(
        await compiled(source, ROOM),
        "",
        `'${script.name}' has more than ${
          200 - ROOM
        } local variables at a time, and Lua takes 200 in one chunk: put those of a fragment between 'do' and 'end'`,
      );
    }
  });
}

test("a script that has no room left is found", async () => {
  const said = await compiled(STEP.source, 150);
  assert(/200 local variables/.test(said), said);
});
