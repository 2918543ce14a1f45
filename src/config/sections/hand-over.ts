/** How a browser hands a sign-in over to an app. */
import { z } from 'zod';
import { trustedRedirectFault } from '../../protocol/login-redirect.ts';
import { described, seconds, textRule } from '../fields.ts';

function appLinkFault(text: string): string | undefined {
  return URL.parse(text)?.protocol === 'https:' ? trustedRedirectFault(text) : 'must be an https URL';
}

export const handOverSection = z.strictObject({
  lifetime_seconds: seconds(
    { min: 1, max: 600, default: 300 },
    'How long an authorization code lives, and the login token of an app that is not a website over https: people may have to install or open the app in between. RFC 6749 allows ten minutes.',
  ),
  app_links: described(z.array(textRule(appLinkFault)).default([]), {
    description:
      'https URLs that open an app instead of a website, without query and fragment; the path is that of an entry or one below it. The browser then gets a page with a button, as for the scheme of an app, because nothing tells whether the app opened.',
    example: '["https://app.example.com/open/"]',
  }),
});
