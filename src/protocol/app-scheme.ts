/** Schemes of URLs that can belong to an app: where an answer to a registered client, or to one of single sign-on, may be sent. */

/**
 * Apps without a dot in their scheme that log in to Matrix. RFC 8252 section 7.1 wants one (a reversed host name, which nobody else has), but they exist;
 * any other scheme without a dot may belong to a browser, a shell or an editor.
 */
const KNOWN_APPS: ReadonlySet<string> = new Set(
  'beeper cinny commet element extera fluffychat mirage neochat nheko quaternion riot sable schildichat syphon'.split(
    ' ',
  ),
);

/** Schemes with a dot, or beginnings of such, that hand the URL on to a browser or a store. */
const HANDED_ON =
  /http|^(?:web\+|ms-|x-|android-app|intent|microsoft-edge|googlechrome|firefox|shortcuts|vscode)/;

/** Why a scheme (in lower case, without its colon) cannot be an app's own; `undefined` if it can. */
export function appSchemeFault(scheme: string): string | undefined {
  if (KNOWN_APPS.has(scheme)) return undefined;
  if (HANDED_ON.test(scheme))
    return 'must be https, http, or of the own scheme of an app, not of one that hands it on to another program';
  return /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+$/.test(scheme)
    ? undefined
    : 'must be https, http, or of the own scheme of an app: one with a dot in it, such as org.example.app';
}
