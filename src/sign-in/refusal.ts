/**
 * The IdP vouched for a person who cannot be let in. `explanation` is for that person (it may name a claim and its value; pages escape it),
 * `reason` for the log.
 */
export class SignInRefusal extends Error {
  override readonly name = 'SignInRefusal';
  readonly explanation: string;
  readonly reason: string;
  readonly kind: SignInRefusalKind;

  constructor(explanation: string, reason: string, kind: SignInRefusalKind = 'refused') {
    super(reason);
    this.kind = kind;
    this.explanation = explanation;
    this.reason = reason;
  }
}

/** `deactivated`: the user is there, and must not come back. `other_person`: it is not the one that was asked for. */
export type SignInRefusalKind = 'refused' | 'deactivated' | 'other_person';
