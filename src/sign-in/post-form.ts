import { html, type SafeHtml } from '../http/pages/html.ts';

/** A form of hidden fields and one button that carries an answer to an app; its page needs `forms: 'anywhere'`. */
export function postForm(form: {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly label: SafeHtml;
}): SafeHtml {
  return html`<form method="post" action="${form.action}">
    ${Object.entries(form.fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
    <button class="primary" type="submit">${form.label}</button>
  </form>`;
}
