/** Why a database cannot be used at all, found when it is opened, with what the operator can do about it. */
export class DatabaseFault extends Error {
  override readonly name = 'DatabaseFault';
  /** The remedy, one imperative clause. */
  readonly remedy: string;

  constructor(what: string, remedy: string, options: { cause?: unknown } = {}) {
    super(`${what}: ${remedy}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.remedy = remedy;
  }
}
