import type { InternalUserId } from '../protocol/identifiers.ts';
import type { Message } from '../texts/message.ts';

/**
 * The IdP vouched for a person who cannot be let in. `told` is for that person (it may name a claim and its value; pages escape it),
 * `reason` for the log.
 */
export class SignInRefusal extends Error {
  override readonly name = 'SignInRefusal';
  readonly told: Message;
  readonly reason: string;
  readonly kind: SignInRefusalKind;
  /** Whose account it is, if that is known. */
  readonly userId: InternalUserId | undefined;

  constructor(told: Message, reason: string, kind: SignInRefusalKind = 'refused', userId?: InternalUserId) {
    super(reason);
    this.kind = kind;
    this.told = told;
    this.reason = reason;
    this.userId = userId;
  }
}

/** `deactivated`: the user is there, and must not come back. `other_person`: it is not the one that was asked for. */
export type SignInRefusalKind = 'refused' | 'deactivated' | 'other_person';
