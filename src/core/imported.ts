import { storageClass } from "./storage.ts";

const asItBegan = /* @__PURE__ */ storageClass()?.snapshot?.();

let underWay = 0;

/** Whether nothing is being loaded. */
export function isLoaded(): boolean {
  return underWay === 0;
}

/**
 * Loads a module in the context in which this file was loaded.
 * Deno goes on in the context of whoever first imports a module: without this, all later requests would run as a part of the one that was first.
 */
export async function imported<Module>(
  start: () => Promise<Module>,
): Promise<Module> {
  underWay++;
  try {
    return await (asItBegan === undefined ? start() : asItBegan(start));
  } finally {
    underWay--;
  }
}
