/** How a browser passes a sign-in to an app. */
import { z } from 'zod';
import { trustedRedirectFault } from '../../protocol/login-redirect.ts';
import { described, seconds, textRule } from '../fields.ts';

function appLinkFault(text: string): string | undefined {
  return URL.parse(text)?.protocol === 'https:' ? trustedRedirectFault(text) : 'must be an https URL';
}

export const handOverSection = z.strictObject({
  lifetime_seconds: seconds(
    { min: 1, max: 600, default: 300 },
    'Lifetime of an authorization code, and of the login token of an app that is not an https website: people may have to install or open the app first. RFC 6749 allows at most ten minutes.',
  ),
  app_links: described(z.array(textRule(appLinkFault)).default([]), {
    description:
      'https URLs that open an app instead of a website, without query and fragment. An entry also matches paths below it. The browser gets a page with a button, as for an app with a scheme of its own, because the server cannot know whether the app opened.',
    example: '["https://app.example.com/open/"]',
  }),
});
