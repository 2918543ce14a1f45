/** What a part says to the operator: it takes the levels that it uses (`Pick`). A pino logger fits. */
export interface PartLog {
  debug(members: object, message: string): void;
  info(members: object, message: string): void;
  warn(members: object, message: string): void;
  error(members: object, message: string): void;
}
