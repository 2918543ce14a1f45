/** Handlers that know which operation of an OpenAPI document they are for: under another `operationId` they do not compile. */
import type { ApiRequest, LimitRequest, Reply } from './exchange.ts';

type Json<T> = T extends { readonly content: { readonly 'application/json': infer Body } } ? Body : never;
type OrUnknown<T> = [T] extends [never] ? unknown : T;

/** The JSON body of a request of the operation; `unknown` if it has none. */
type BodyOf<Operation> = Operation extends { requestBody?: infer Sent }
  ? OrUnknown<Json<Exclude<Sent, undefined>>> | (undefined extends Sent ? undefined : never)
  : unknown;

/** The JSON body of what the operation answers when all is well; `unknown` if that is a page, or a redirect. */
type AnswerOf<Operation> = Operation extends { responses: infer Responses }
  ? OrUnknown<Json<Responses[Extract<keyof Responses, 200 | 201>]>>
  : unknown;

/** A handler of these operations of a document (`operations` of `generated/`). `Answer` is given if the operation answers in more than one way. */
export type OperationHandler<
  Operations,
  Name extends keyof Operations,
  Answer = AnswerOf<Operations[Name]>,
> = ((request: ApiRequest<BodyOf<Operations[Name]>>) => Reply<Answer> | Promise<Reply<Answer>>) & {
  /** See `limitedBy`. */
  readonly before?: LimitRequest;
  /** For the compiler alone: two operations may look the same, and are not. */
  readonly __operation?: (name: Name) => void;
};

/** The handlers of these operations, each under its own name. */
export type OperationHandlers<Operations, Names extends keyof Operations = keyof Operations> = {
  readonly [Name in Names]: OperationHandler<Operations, Name, unknown>;
};
