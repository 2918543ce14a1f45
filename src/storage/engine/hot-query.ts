/**
 * Queries of the hot paths, built and compiled once. Building one through Kysely costs several times what SQLite needs to run it; this keeps
 * Kysely's types and its SQL, fills in only the parameters, and goes past Kysely's executor.
 */
import { hash } from 'node:crypto';
import type { Compilable, CompiledQuery, Kysely, QueryResult } from 'kysely';
import type { Engine } from './database.ts';
import { directPathOf, type RowLiteral } from './dialect.ts';
import type { Schema } from '../schema.ts';

/** Stands for the parameter of that index while the query is built. */
interface Placeholder {
  readonly parameter: number;
}

interface Template {
  readonly compiled: CompiledQuery;
  readonly name: string;
  /** Where the compiled query's values come from: a parameter by its index, or a constant of the query. */
  readonly values: readonly (Placeholder | { readonly constant: unknown })[];
}

/** Builds a query whose parameters are values only. */
type Build<Parameters extends readonly unknown[], Row> = (
  db: Kysely<Schema>,
  ...parameters: Parameters
) => Compilable<Row>;

/**
 * A query whose parameters are values only: `build` runs once for each engine, with placeholders, so it must put them into the query as they
 * are and must not look at them. The function returned runs it.
 */
export function hotQuery<Parameters extends readonly unknown[], Row>(
  build: Build<Parameters, Row>,
): (db: Kysely<Schema>, ...parameters: Parameters) => Promise<Row[]> {
  const run = runner(build);
  return async (db, ...parameters) => (await run(db, parameters)).rows as Row[];
}

/**
 * As `hotQuery`, for a query of at most one row. `literal` writes the row of its columns' values, in the order in which the query names them: the
 * objects that others make member by member are dearer than the look-up itself. On SQLite it is compared with the statement's columns once.
 */
export function hotRow<Parameters extends readonly unknown[], Row>(
  build: Build<Parameters, Row>,
  literal: (values: readonly unknown[]) => Record<keyof NoInfer<Row>, unknown>,
): (db: Kysely<Schema>, ...parameters: Parameters) => Promise<Row | undefined> {
  const run = runner(build, literal);
  return async (db, ...parameters) => (await run(db, parameters)).rows[0] as Row | undefined;
}

function runner<Parameters extends readonly unknown[]>(
  build: Build<Parameters, unknown>,
  literal?: RowLiteral,
): (db: Kysely<Schema>, parameters: Parameters) => Promise<QueryResult<unknown>> {
  const templates: Partial<Record<Engine, Template>> = {};
  return (db, parameters) => {
    const { engine, execute } = directPathOf(db);
    const { compiled, name, values } = (templates[engine] ??= templateOf(
      (...placeholders) => build(db, ...(placeholders as unknown as Parameters)),
      parameters.length,
    ));
    return execute({
      sql: compiled.sql,
      query: compiled.query,
      name,
      literal,
      parameters: values.map((value) =>
        'parameter' in value ? parameters[value.parameter] : value.constant,
      ),
    });
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
  return { compiled, name: `gatehouse_${hash('sha256', compiled.sql).slice(0, 16)}`, values };
}
