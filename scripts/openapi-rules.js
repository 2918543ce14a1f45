/** Rules for `redocly lint` that redocly does not have: a document can be read without the code. Plain JavaScript: redocly loads this file itself. */

/** The examples of a media type or parameter, references followed. */
function examplesOf({ example, examples = {} }, { resolve }) {
  return [
    ...(example === undefined ? [] : [{ value: example }]),
    ...Object.values(examples).map((each) => resolve(each).node ?? {}),
  ];
}

/** What is sent and what comes back has an example: every body, and every parameter that cannot be left out. */
const operationExamples = () => ({
  Operation: {
    MediaType(mediaType, ctx) {
      if (examplesOf(mediaType, ctx).length === 0)
        ctx.report({ message: 'A body has an example (`example`, or `examples` with a summary each).' });
    },
    Parameter(parameter, ctx) {
      if (parameter.required === true && examplesOf(parameter, ctx).length === 0)
        ctx.report({ message: `The parameter \`${parameter.name}\` is required, so it has an \`example\`.` });
    },
  },
  PathItem: {
    Parameter(parameter, ctx) {
      if (parameter.required === true && examplesOf(parameter, ctx).length === 0)
        ctx.report({ message: `The parameter \`${parameter.name}\` is required, so it has an \`example\`.` });
    },
  },
});

/** The code of an error body, OAuth's or Matrix's. */
function codeOf(value) {
  const code = value?.errcode ?? value?.error;
  return typeof code === 'string' ? code : undefined;
}

/**
 * Error codes are explained in words. Each code that an example shows stands in the description of the operation, or, if every operation has it, in that of
 * the document; and an operation that answers with codes names those of its own.
 */
const errorCodes = () => {
  let everywhere = '';
  let codes = new Set();
  return {
    Info({ description = '' }) {
      everywhere = description;
    },
    Operation: {
      enter() {
        codes = new Set();
      },
      leave({ description }, ctx) {
        // That there is none is told by `operation-description`.
        if (description === undefined) return;
        for (const code of codes) {
          if (!`${description}${everywhere}`.includes(`\`${code}\``))
            ctx.report({ message: `The description does not say when the answer is \`${code}\`.` });
        }
        if (codes.size > 0 && ![...codes].some((code) => description.includes(`\`${code}\``)))
          ctx.report({ message: 'The description names no error code of the operation.' });
      },
      Response: {
        MediaType(mediaType, ctx) {
          for (const { value } of examplesOf(mediaType, ctx)) {
            const code = codeOf(value);
            if (code !== undefined) codes.add(code);
          }
        },
      },
    },
  };
};

/** Every parameter and every member of a schema says what it is, itself or in the schema that it refers to. */
const describedMembers = () => ({
  Parameter({ name, description, schema }, ctx) {
    if (description === undefined && ctx.resolve(schema).node?.description === undefined)
      ctx.report({ message: `The parameter \`${name}\` has no description.` });
  },
  Schema({ properties = {} }, ctx) {
    for (const [name, property] of Object.entries(properties)) {
      if (ctx.resolve(property).node?.description === undefined)
        ctx.report({
          message: `The member \`${name}\` has no description.`,
          location: ctx.location.child(['properties', name]),
        });
    }
  },
});

export default function house() {
  return {
    id: 'house',
    rules: {
      oas3: {
        'operation-examples': operationExamples,
        'error-codes': errorCodes,
        'described-members': describedMembers,
      },
    },
  };
}
