import type { MatrixError } from '../../protocol/matrix-error.ts';
import type { OAuthError } from '../../protocol/oauth-error.ts';
import type { Message } from '../../texts/message.ts';

/** Where a person can go from a refusal. */
export interface WayOn {
  readonly url: string;
  readonly label: Message;
}

export interface PageRefusalOptions {
  /** Default 400. */
  readonly status?: number;
  /** Default: that the request was refused. */
  readonly title?: Message;
  readonly wayOn?: WayOn;
  /** For the log: what exactly happened, no secrets. Default: the message. */
  readonly reason?: string;
  /** At an endpoint that programs use too: what they are told. Its text stands on the page as details. */
  readonly wire?: OAuthError | MatrixError;
}

/** A page cannot do what was asked of it, and says so to the person. If nobody is looking, it is the error of the mount that fits the status. */
export class PageRefusal extends Error {
  override readonly name = 'PageRefusal';
  readonly told: Message;
  readonly status: number;
  readonly title: Message | undefined;
  readonly wayOn: WayOn | undefined;
  readonly reason: string;
  readonly wire: OAuthError | MatrixError | undefined;

  constructor(told: Message, options: PageRefusalOptions = {}) {
    const { wire } = options;
    super(options.reason ?? wire?.reason ?? told.key);
    this.told = told;
    this.status = options.status ?? wire?.status ?? 400;
    this.title = options.title;
    this.wayOn = options.wayOn;
    this.reason = this.message;
    this.wire = wire;
  }
}
