/** What the demo is doing, while it does it. */
import { duration, isTerminal, paint } from "./paint.ts";

const FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

/**
 * Does a step, and says so: in a terminal with a line that moves while it lasts, else with a line when it begins and one when it is done.
 *
 * @param title What is being done.
 * @param work Does it; resolves with what came of it, in a few words.
 * @param now How far it is, for the line that moves.
 */
export async function step(
  title: string,
  work: () => Promise<string>,
  now: () => string = () => "",
): Promise<void> {
  const began = performance.now();
  if (!isTerminal) console.log(`  … ${title}`);
  const moving = isTerminal ? animate(title, now) : undefined;
  try {
    const said = await work();
    moving?.stop();
    const took = paint("dim", `(${duration(performance.now() - began)})`);
    console.log(`  ${paint("green", "✔")} ${said} ${took}`);
  } catch (error) {
    moving?.stop();
    console.log(`  ${paint("red", "✘")} ${title}`);
    throw error;
  }
}

function animate(title: string, now: () => string): { stop(): void } {
  let frame = 0;
  const draw = (): void => {
    const sign = FRAMES[frame++ % FRAMES.length] ?? "";
    const detail = now() === "" ? "" : paint("dim", `: ${now()}`);
    write(`\r\x1b[K  ${paint("cyan", sign)} ${title}${detail}`);
  };
  draw();
  const timer = setInterval(draw, 80);
  return {
    stop() {
      clearInterval(timer);
      write("\r\x1b[K");
    },
  };
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
