import { PayloadError, type PayloadIssue } from "./error.ts";

/**
 * Any schema that speaks Standard Schema v1: Zod, Valibot, ArkType and others.
 *
 * @see https://standardschema.dev
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** The schema's interface for libraries. */
  readonly "~standard": {
    /** The version of the standard. */
    readonly version: 1;
    /** Who made the schema library. */
    readonly vendor: string;
    /** Checks a value, and gives what it parsed or what is wrong. */
    readonly validate: (
      value: unknown,
    ) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** Only types: what goes in and what comes out. */
    readonly types?:
      | { readonly input: Input; readonly output: Output }
      | undefined;
  };
}

/** What a schema says of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that a schema found wrong. */
export interface SchemaIssue {
  /** The schema's own words. */
  readonly message: string;
  /** Where in the value. */
  readonly path?:
    | readonly (PropertyKey | { readonly key: PropertyKey })[]
    | undefined;
}

/**
 * What `schema` parses `value` to.
 *
 * @throws {PayloadError} If the schema refuses it, with what it found; `subject` says in the message what was checked.
 */
export async function parse<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
  subject: string,
): Promise<Output> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(toIssue);
  const count = issues.length === 1 ? "1 issue" : `${issues.length} issues`;
  throw new PayloadError(
    `The schema refuses ${subject}: see the error's 'issues' for its words (${count})`,
    issues,
  );
}

function toIssue(issue: SchemaIssue): PayloadIssue {
  const path = issue.path?.map((part) =>
    String(typeof part === "object" ? part.key : part)
  );
  return { message: issue.message, path: path?.join(".") ?? "" };
}
