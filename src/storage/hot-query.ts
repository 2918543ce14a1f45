/**
 * Queries of the hot paths, built and compiled once. Building one through Kysely costs several times what SQLite needs to run it; this keeps
 * Kysely's types and its SQL, and fills in only the parameters.
 */
import type { Compilable, CompiledQuery, Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** Stands for the parameter of that index while the query is built. */
interface Placeholder {
  readonly parameter: number;
}

interface Template {
  readonly compiled: CompiledQuery;
  /** Where the compiled query's values come from: a parameter by its index, or a constant of the query. */
  readonly values: readonly (Placeholder | { readonly constant: unknown })[];
}

/**
 * A query whose parameters are values only: `build` runs once for each engine, with placeholders, so it must put them into the query as they
 * are and must not look at them. The function returned runs it.
 */
export function hotQuery<Parameters extends readonly unknown[], Row>(
  build: (db: Kysely<Schema>, ...parameters: Parameters) => Compilable<Row>,
): (db: Kysely<Schema>, ...parameters: Parameters) => Promise<Row[]> {
  // One adapter for each open database and its transactions.
  const templates = new WeakMap<object, Template>();
  return async (db, ...parameters) => {
    const { adapter } = db.getExecutor();
    let template = templates.get(adapter);
    if (template === undefined) {
      template = templateOf(
        (...placeholders) => build(db, ...(placeholders as unknown as Parameters)),
        parameters.length,
      );
      templates.set(adapter, template);
    }
    const values = template.values.map((value) =>
      'parameter' in value ? parameters[value.parameter] : value.constant,
    );
    const { rows } = await db.executeQuery({ ...template.compiled, parameters: values });
    return rows as Row[];
  };
}

function templateOf(build: (...placeholders: Placeholder[]) => Compilable, count: number): Template {
  const placeholders = Array.from({ length: count }, (_, parameter) => ({ parameter }));
  const compiled = build(...placeholders).compile();
  const values = compiled.parameters.map(
    (value) => placeholders.find((one) => one === value) ?? { constant: value },
  );
  const missing = placeholders.find((placeholder) => !values.includes(placeholder));
  if (missing !== undefined)
    throw new Error(`parameter ${String(missing.parameter)} is not in the query: ${compiled.sql}`);
  return { compiled, values };
}
