/**
 * The IdP vouched for a person who cannot be let in. `explanation` is for that person (it may name a claim and its value; pages escape it),
 * `reason` for the log.
 */
export class SignInRefusal extends Error {
  override readonly name = 'SignInRefusal';
  readonly explanation: string;
  readonly reason: string;

  constructor(explanation: string, reason: string) {
    super(reason);
    this.explanation = explanation;
    this.reason = reason;
  }
}
