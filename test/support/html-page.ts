/**
 * Reads an HTML page as a person does who has no JavaScript: its text, its links, its forms.
 */
import { defaultTreeAdapter, parse, type DefaultTreeAdapterTypes } from 'parse5';

type Node = DefaultTreeAdapterTypes.Node;
type Element = DefaultTreeAdapterTypes.Element;

/** A form as the page shows it. */
export interface Form {
  readonly action: string;
  readonly method: 'get' | 'post';
  /** Fields that would be sent if no button were pressed, hidden ones included, in document order. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly buttons: readonly {
    readonly label: string;
    readonly name?: string;
    readonly value: string;
    readonly action?: string;
  }[];
}

/** What the browser has arrived at. */
export interface Page {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** Text of the page as a person reads it, white space collapsed. */
  readonly text: string;
  readonly title: string;
  readonly forms: readonly Form[];
  readonly links: readonly { readonly label: string; readonly href: string }[];
  /** URLs that were visited on the way, this one last. */
  readonly visited: readonly string[];
  /** True when `stopAt` was reached: the URL was not fetched. */
  readonly stopped: boolean;
}

/** Parses what was fetched. Anything but HTML is all text. */
export function toPage(
  part: Pick<Page, 'url' | 'status' | 'headers' | 'body' | 'visited' | 'stopped'>,
): Page {
  const html = (part.headers.get('content-type') ?? '').includes('html');
  const elements = html ? [...walk(parse(part.body))] : [];
  const title = elements.find((element) => element.tagName === 'title');
  const body = elements.find((element) => element.tagName === 'body');
  return {
    ...part,
    title: title === undefined ? '' : textOf(title),
    text: body === undefined ? part.body : textOf(body),
    forms: elements
      .filter(({ tagName }) => tagName === 'form')
      .map((form) => toForm(form, elements, part.url)),
    links: elements
      .filter((element) => element.tagName === 'a' && attr(element, 'href') !== undefined)
      .map((element) => ({
        label: textOf(element),
        href: new URL(attr(element, 'href') ?? '', part.url).href,
      })),
  };
}

function toForm(form: Element, all: Element[], base: string): Form {
  const id = attr(form, 'id');
  const within = new Set(walk(form));
  const controls = all.filter((element) => {
    const owner = attr(element, 'form');
    return owner === undefined ? within.has(element) : owner === id;
  });
  const fields: (readonly [string, string])[] = [];
  const buttons: Form['buttons'][number][] = [];
  for (const element of controls) {
    if (attr(element, 'disabled') !== undefined) continue;
    const name = attr(element, 'name');
    const type = (attr(element, 'type') ?? '').toLowerCase();
    const isButton =
      (element.tagName === 'button' && (type === '' || type === 'submit')) ||
      (element.tagName === 'input' && (type === 'submit' || type === 'image'));
    if (isButton) {
      const formAction = attr(element, 'formaction');
      buttons.push({
        label: element.tagName === 'button' ? textOf(element) : (attr(element, 'value') ?? ''),
        value: attr(element, 'value') ?? '',
        ...(name === undefined ? {} : { name }),
        ...(formAction === undefined ? {} : { action: new URL(formAction, base).href }),
      });
    } else if (name !== undefined) {
      const value = fieldValue(element, type);
      if (value !== undefined) fields.push([name, value]);
    }
  }
  return {
    action: new URL(attr(form, 'action') || base, base).href,
    method: (attr(form, 'method') ?? 'get').toLowerCase() === 'post' ? 'post' : 'get',
    fields,
    buttons,
  };
}

function fieldValue(element: Element, type: string): string | undefined {
  switch (element.tagName) {
    case 'textarea':
      return rawText(element).replace(/^\n/, '');
    case 'select': {
      const choices = [...walk(element)].filter(({ tagName }) => tagName === 'option');
      const chosen = choices.find((choice) => attr(choice, 'selected') !== undefined) ?? choices[0];
      return chosen && (attr(chosen, 'value') ?? textOf(chosen));
    }
    case 'input':
      if (type === 'checkbox' || type === 'radio') {
        return attr(element, 'checked') === undefined ? undefined : (attr(element, 'value') ?? 'on');
      }
      return ['button', 'reset', 'file'].includes(type) ? undefined : (attr(element, 'value') ?? '');
    default:
      return undefined;
  }
}

function* walk(node: Node): Generator<Element> {
  if (!('childNodes' in node)) return;
  for (const child of node.childNodes) {
    if (defaultTreeAdapter.isElementNode(child)) {
      yield child;
    }
    yield* walk(child);
  }
}

function attr(element: Element, name: string): string | undefined {
  return element.attrs.find((candidate) => candidate.name === name)?.value;
}

function rawText(node: Node): string {
  if (defaultTreeAdapter.isTextNode(node)) return node.value;
  if (!('childNodes' in node) || ['style', 'script'].includes(node.nodeName)) return '';
  return node.childNodes.map(rawText).join('');
}

function textOf(node: Node): string {
  const inner = (child: Node): string => {
    if (defaultTreeAdapter.isTextNode(child)) return child.value;
    if (!('childNodes' in child) || ['style', 'script'].includes(child.nodeName)) return '';
    return child.childNodes.map((part) => (isBlock(part) ? ` ${inner(part)} ` : inner(part))).join('');
  };
  return inner(node).replace(/\s+/g, ' ').trim();
}

const inline = new Set([
  '#text',
  'a',
  'abbr',
  'b',
  'bdi',
  'code',
  'em',
  'i',
  'span',
  'strong',
  'small',
  'time',
  'kbd',
]);

function isBlock(node: Node): boolean {
  return !inline.has(node.nodeName);
}
