/**
 * Text that every engine can store. PostgreSQL refuses U+0000 in text and SQLite takes it; neither can write half of a surrogate pair as UTF-8.
 * Providers and clients send both, so each becomes U+FFFD on its way to the database: in what is stored and in what is looked for.
 */

interface WithParameters {
  readonly parameters: readonly unknown[];
}

/** Runs statements whose text parameters every engine can store. */
export function withStorableText<Statement extends WithParameters, Result>(
  run: (statement: Statement) => Result,
): (statement: Statement) => Result {
  return (statement) =>
    run(
      statement.parameters.every(isStorable)
        ? statement
        : { ...statement, parameters: statement.parameters.map(storable) },
    );
}

function isStorable(value: unknown): boolean {
  return typeof value !== 'string' || (value.isWellFormed() && !value.includes('\0'));
}

function storable(value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\ufffd') : value;
}
