/** Every migration in order: a static map, so that a build contains them all. Forward only. */
import type { Migration } from '../engine/migrate.ts';
import { initial } from './001-initial.ts';
import { legacyLogin } from './002-legacy-login.ts';
import { refreshIndexes } from './003-refresh-indexes.ts';
import { audit } from './004-audit.ts';
import { signOuts } from './005-sign-outs.ts';
import { uiAuthSummary } from './006-ui-auth-summary.ts';
import { answers } from './007-answers.ts';
import { outboxKinds } from './008-outbox-kinds.ts';
import { erasure } from './009-erasure.ts';
import { operatorScopes } from './010-operator-scopes.ts';
import { sealedWords } from './011-sealed-words.ts';

export const migrations: readonly Migration[] = [
  initial,
  legacyLogin,
  refreshIndexes,
  audit,
  signOuts,
  uiAuthSummary,
  answers,
  outboxKinds,
  erasure,
  operatorScopes,
  sealedWords,
];
