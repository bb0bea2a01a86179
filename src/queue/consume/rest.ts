/** How long the line is left alone. One that began while something was held ends with that. */
export interface Rest {
  readonly since: number;
  readonly until: number;
  readonly isQuiet: boolean;
}

/** The line may hold something. */
export const NO_REST: Rest = {
  since: -Infinity,
  until: -Infinity,
  isQuiet: false,
};
