import type { operations } from '../../generated/matrix-client.ts';

/** The validated body of `POST /login`. */
export type LogInBody = operations['logIn']['requestBody']['content']['application/json'];
