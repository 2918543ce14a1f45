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

export default { rules: { 'kebab-file': kebabFile, 'exported-doc': exportedDoc } };
