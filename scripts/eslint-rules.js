/** House rules that no published plugin has. Plain JavaScript: ESLint loads this file itself. */
import { basename } from 'node:path';

/** File names in kebab case, so that a name is the same on every file system. */
const kebabFile = {
  meta: { type: 'suggestion', messages: { name: "'{{name}}' is not in kebab case." }, schema: [] },
  create(context) {
    return {
      Program(node) {
        const name = basename(context.filename);
        if (!/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)+$/.test(name))
          context.report({ node, messageId: 'name', data: { name } });
      },
    };
  },
};

const documented = new Set(['FunctionDeclaration', 'ClassDeclaration']);

/** Exported functions and classes say what they promise. */
const exportedDoc = {
  meta: {
    type: 'suggestion',
    messages: { missing: 'An export has a doc comment: what it promises, units, bounds, defaults, errors.' },
    schema: [],
  },
  create(context) {
    return {
      ExportNamedDeclaration(node) {
        if (node.declaration === null || !documented.has(node.declaration.type)) return;
        const before = context.sourceCode.getCommentsBefore(node).at(-1);
        if (before?.type !== 'Block' || !before.value.startsWith('*'))
          context.report({ node, messageId: 'missing' });
      },
    };
  },
};

const isHtml = (node) => node?.type === 'TaggedTemplateExpression' && node.tag.name === 'html';

/** Attributes that are read out or shown. */
const READ_ATTRIBUTE = /\s(?:aria-label|aria-description|alt|placeholder|title)="([^"]*)"/g;

/** What a person would read of a piece of HTML; `\0` stands for what is put in. */
function readText(markup) {
  const attributes = [...markup.matchAll(READ_ATTRIBUTE)].map(([, value]) => value);
  const content = markup.replace(/<!--.*?-->|<[^>]*>/gs, ' ').replace(/&[a-z]+;/g, ' ');
  return [content, ...attributes].join(' ').replaceAll('\0', ' ');
}

/** Expressions whose value an insertion can have. */
function outcomes(node) {
  if (node.type === 'ConditionalExpression')
    return [...outcomes(node.consequent), ...outcomes(node.alternate)];
  if (node.type === 'LogicalExpression') return [...outcomes(node.left), ...outcomes(node.right)];
  return [node];
}

/** Words in the `html` templates of pages come from src/texts, so that they can be said in another language. */
const textKey = {
  meta: {
    type: 'problem',
    messages: { literal: "'{{words}}' is a text for people: give it a key in src/texts/en.ts and say() it." },
    schema: [],
  },
  create(context) {
    const judge = (node, text) => {
      const words = text.trim().replace(/\s+/g, ' ');
      if (/\p{L}/u.test(words))
        context.report({ node, messageId: 'literal', data: { words: words.slice(0, 60) } });
    };
    return {
      TaggedTemplateExpression(node) {
        if (!isHtml(node)) return;
        const { quasis, expressions } = node.quasi;
        judge(node, readText(quasis.map(({ value }) => value.cooked).join('\0')));
        let markup = '';
        expressions.forEach((expression, index) => {
          markup += `${quasis[index].value.cooked}\0`;
          // Inside a tag stands the value of an attribute.
          if (markup.lastIndexOf('<') > markup.lastIndexOf('>')) return;
          for (const outcome of outcomes(expression)) {
            if (outcome.type === 'Literal' && typeof outcome.value === 'string')
              judge(outcome, outcome.value);
            if (outcome.type === 'TemplateLiteral')
              judge(outcome, outcome.quasis.map(({ value }) => value.cooked).join(' '));
          }
        });
      },
    };
  },
};

export default { rules: { 'kebab-file': kebabFile, 'exported-doc': exportedDoc, 'text-key': textKey } };
