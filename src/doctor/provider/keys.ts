/** The provider's key set: can it be fetched, and does it have a key that verifies a signature. */
import { usesOpenId } from '../../upstream/login/authorization-url.ts';
import { needsKeys } from '../../upstream/login/signature-algorithms.ts';
import { DocumentFault } from '../../upstream/documents/document-fault.ts';
import { JWKS_BYTES, parseKeySet } from '../../upstream/documents/jwks.ts';
import { look, type Answered, type Look } from '../look.ts';
import type { ProbeVerdict } from '../probe.ts';
import { wrongAnswer } from '../wrong-answer.ts';
import { cachingFindings } from './caching.ts';
import { symmetricRemedy } from './abilities.ts';
import { providerFinding, slowFinding, wrongAnswerFinding, type ProviderContext } from './context.ts';
import type { Server } from './metadata.ts';

/** Fetches and judges the key set. */
export async function examineKeys(
  context: ProviderContext,
  server: Server | undefined,
): Promise<ProbeVerdict> {
  if (!usesOpenId(context.settings)) return { skipped: 'plain OAuth 2.0 has no ID token to verify' };
  if (!needsKeys(context.settings))
    return { skipped: 'the client secret verifies ID tokens (`id_token_algorithms`): no keys are needed' };
  const url = server?.jwks_uri;
  if (server === undefined || url === undefined) return { skipped: 'the metadata has no usable jwks_uri' };
  const headers = { accept: 'application/jwk-set+json, application/json' };
  return judgeKeysAnswer(context, server, await look(context, { url, headers, maxBytes: JWKS_BYTES }));
}

/** Judges an answer that should be the key set. */
async function judgeKeysAnswer(
  context: ProviderContext,
  server: Server,
  answer: Look,
): Promise<ProbeVerdict> {
  const wrong = wrongAnswer(answer);
  if (wrong !== undefined) return [wrongAnswerFinding(context, answer, wrong, 'jwks_uri')];
  const answered = answer as Answered;
  const { probed } = answered;
  const findings = [...slowFinding(context, answer), ...cachingFindings(context, answered, 'keys')];
  const alarms: string[] = [];
  try {
    await parseKeySet(answered.answer.text, (message) => {
      alarms.push(message);
    });
  } catch (error) {
    if (!(error instanceof DocumentFault)) throw error;
    findings.push(
      providerFinding(context, {
        code: 'provider.keys_unusable',
        probed,
        expected: 'a public key for signatures: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519',
        seen: error.message,
        remedy: `Give the provider an asymmetric signing key, and see that its key set shows the public half.${symmetricRemedy(context, server)}`,
      }),
    );
  }
  if (alarms.length > 0) {
    findings.push(
      providerFinding(context, {
        code: 'provider.private_key_published',
        probed,
        expected: 'public keys only',
        seen: 'a private or symmetric key, readable by everybody',
        remedy:
          'Take it out of use at the provider at once and make a new key: whoever has read it can sign ID tokens.',
      }),
    );
  }
  return findings;
}
