/** A value, or what makes it of the environment that some hosts hand to each request. */
export type PerEnv<Env, Value extends object> = Value | ((env: Env) => Value);

/** The value for an environment: made once for each environment object, and kept no longer than that. */
export function perEnv<Env, Value extends object>(
  source: PerEnv<Env, Value>,
): (env: Env) => Value {
  if (typeof source !== "function") return () => source;
  const kept = new WeakMap<object, Value>();
  const nowhere = {};
  return (env) => {
    const key = typeof env === "object" && env !== null ? env : nowhere;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const made = source(env);
    kept.set(key, made);
    return made;
  };
}
