import { message } from '../../texts/message.ts';
import type { Reply } from '../exchange.ts';
import { html } from './html.ts';
import { page } from './page.ts';
import type { Words } from './words.ts';

/** The public URL itself, in modes in which nobody has an account here. */
export function homePage(words: Words, serverName: string): Reply<string> {
  return page(words, {
    title: message('home.title'),
    body: html`<p>${words.say('home.about', { server: serverName })}</p>`,
  });
}
