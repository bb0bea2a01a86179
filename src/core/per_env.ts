/** A value, or what makes it of the environment that some hosts hand to each request. */
export type PerEnv<Env, Value extends object> = Value | ((env: Env) => Value);

/**
 * The value for an environment: made once for each environment object, and kept no longer than that.
 * A function that takes none is called once: Deno and Node hand a new object to each request, which says nothing of an environment.
 */
export function perEnv<Env, Value extends object>(
  source: PerEnv<Env, Value>,
  takesEnv: boolean = typeof source === "function" && source.length > 0,
): (env: Env) => Value {
  if (typeof source !== "function") return () => source;
  const kept = new WeakMap<object, Value>();
  const nowhere = {};
  return (env) => {
    const isOne = takesEnv && typeof env === "object" && env !== null;
    const key = isOne ? env : nowhere;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const made = source(env);
    kept.set(key, made);
    return made;
  };
}
