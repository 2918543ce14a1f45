/** The page of everything that could not be done: what happened, where to go from here, and a reference that stands in the log too. */
import type { Message } from '../../texts/message.ts';
import type { Reply } from '../exchange.ts';
import { html } from './html.ts';
import type { WayOn } from './page-refusal.ts';
import { page } from './page.ts';
import { wordsIn } from './words.ts';
import type { Language } from '../../texts/language.ts';

/** A refusal as a person reads it. `details`: for whoever wrote the app, in English. */
export function refusalPage(
  language: Language,
  refusal: {
    readonly status: number;
    readonly title: Message;
    readonly told: Message;
    readonly details?: string | undefined;
    readonly wayOn?: WayOn | undefined;
    readonly reference: string;
  },
): Reply<string> {
  const words = wordsIn(language);
  const { say, tell } = words;
  const { status, title, told, details, wayOn, reference } = refusal;
  return page(words, {
    title,
    status,
    body: html`<p>${tell(told)}</p>
      ${wayOn !== undefined && html`<p><a href="${wayOn.url}">${tell(wayOn.label)}</a></p>`}
      ${details !== undefined && html`<p class="soft">${say('word.details', { details })}</p>`}
      <p class="soft">${say('word.reference', { reference: html`<code>${reference}</code>` })}</p>`,
  });
}
