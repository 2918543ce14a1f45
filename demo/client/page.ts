/** The demo client's one page: the steps that were taken, the one that is due, and those to come. */
import { html, type SafeHtml } from '../../src/http/pages/html.ts';
import { page } from '../html.ts';
import type { Exchange } from './exchange.ts';
import { signInLink, stepTexts } from './steps.ts';
import { nextStep, stepIds, type StepId, type Walk, type WalkSettings } from './walk.ts';

const badge = 'Matrix client and homeserver’s view, on this machine only.';

/** Renders the walk as it stands. */
export function renderWalk(walk: Walk, settings: WalkSettings): string {
  const next = nextStep(walk);
  const latest = stepIds.findLast((id) => walk.done.has(id));
  return page({
    title:
      next === undefined ? 'The whole way · Gatehouse demo' : `${stepTexts[next].title} · Gatehouse demo`,
    badge,
    body: html`<h1>A Matrix client signs in</h1>
      <p class="lead">
        Ten small steps, each with the request and the answer as they went over the wire. This page is the
        client; tokens are shown shortened.
      </p>
      <ol class="steps">
        ${stepIds.map((id, index) => renderStep(id, index + 1, { walk, settings, next, latest }))}
      </ol>
      ${
        walk.done.size > 0 &&
        html`<form method="post" action="/start-over">
          <button class="second">Start over</button>
        </form>`
      }`,
  });
}

interface Position {
  readonly walk: Walk;
  readonly settings: WalkSettings;
  readonly next: StepId | undefined;
  readonly latest: StepId | undefined;
}

function renderStep(id: StepId, number: number, { walk, settings, next, latest }: Position): SafeHtml {
  const text = stepTexts[id];
  const sent = walk.done.get(id);
  if (sent !== undefined) {
    const outcome = text.outcome?.(walk);
    return html`<li>
      <section class="step done" id="${id}" tabindex="-1" aria-labelledby="${id}-title">
        <h2 id="${id}-title">
          <span class="mark" aria-hidden="true">✓</span> ${text.title} ${hidden('(done)')}
        </h2>
        <p>${text.explanation}</p>
        ${outcome && html`<div>${outcome}</div>`} ${sent.map((one) => renderExchange(one, id === latest))}
      </section>
    </li>`;
  }
  if (id !== next) {
    return html`<li>
      <div class="step later">
        <h2><span class="mark">${number}</span> ${text.title}</h2>
      </div>
    </li>`;
  }
  return html`<li>
    <section class="step next" id="${id}" tabindex="-1" aria-labelledby="${id}-title" aria-current="step">
      <h2 id="${id}-title"><span class="mark">${number}</span> ${text.title}</h2>
      <p>${text.explanation}</p>
      ${walk.problem !== undefined && html`<p class="problem" role="alert">${walk.problem}</p>`}
      ${
        id === 'authorize'
          ? signInLink(walk, settings)
          : html`<form method="post" action="/steps/${id}"><button>${text.action}</button></form>`
      }
    </section>
  </li>`;
}

function renderExchange(sent: Exchange, open: boolean): SafeHtml {
  const who = sent.by === 'client' ? 'The client' : 'The homeserver';
  return html`<details ${open && html`open`}>
    <summary>${who} asks, the answer is ${sent.status}</summary>
    <figure class="exchange">
      <figcaption>Request</figcaption>
      <pre><code>${sent.request}</code></pre>
    </figure>
    <figure class="exchange">
      <figcaption>Answer</figcaption>
      <pre><code>${sent.answer}</code></pre>
    </figure>
  </details>`;
}

function hidden(text: string): SafeHtml {
  return html`<span class="hidden">${text}</span>`;
}

/** A page that says one thing and leads back. */
export function renderNotice(title: string, detail: string): string {
  return page({
    title: `${title} · Gatehouse demo`,
    badge,
    body: html`<h1>${title}</h1>
      <p>${detail}</p>
      <p><a class="button" href="/">To the beginning</a></p>`,
  });
}
