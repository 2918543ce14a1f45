/** Why a database cannot be used at all, found when it is opened, with what the operator can do about it. */
export class DatabaseFault extends Error {
  override readonly name = 'DatabaseFault';
  /** The mend, one imperative clause. */
  readonly mend: string;

  constructor(what: string, mend: string, options: { cause?: unknown } = {}) {
    super(`${what}: ${mend}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.mend = mend;
  }
}
