/** What is given of some options: one that is `undefined` says nothing, so it hides no default when they are spread over it. */
export function defined<Options extends object>(options: Options): Options {
  const given = Object.entries(options)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Options;
}
