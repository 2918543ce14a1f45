/** Questions to a person at a terminal. */
import { createInterface } from 'node:readline/promises';
import { Writable, type Readable } from 'node:stream';

export interface Dialogue {
  /** One line; empty if the person only pressed Enter. */
  ask(question: string, suggested: string | undefined): Promise<string>;
  /** As `ask`, without showing what is typed. */
  askSecret(question: string): Promise<string>;
  say(text: string): void;
  close(): void;
}

/** The person left: Ctrl-C or the end of input. */
export class DialogueEnded extends Error {
  override readonly name = 'DialogueEnded';
}

/** Opens a dialogue; the input must be a terminal, or typed as on one. */
export function openDialogue(input: Readable, output: Pick<Writable, 'write'>): Dialogue {
  let hidden = false;
  const echo = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!hidden) output.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input, output: echo, terminal: true, historySize: 0 });
  const ended = new Promise<never>((_, reject) => {
    lines.once('close', () => {
      reject(new DialogueEnded('nothing was written'));
    });
  });
  ended.catch(() => undefined);
  const question = (prompt: string): Promise<string> => {
    const answer = lines.question(prompt);
    // Ctrl-C rejects the answer as well; one of the two is enough.
    answer.catch(() => undefined);
    return Promise.race([answer, ended]).catch((error: unknown) => {
      throw error instanceof DialogueEnded ? error : new DialogueEnded('nothing was written');
    });
  };
  return {
    ask: (text, suggested) => question(suggested ? `${text} [${suggested}]: ` : `${text}: `),
    async askSecret(text) {
      hidden = true;
      try {
        const answer = question('');
        // Only now that whatever is typed belongs to it.
        output.write(`${text}: `);
        return await answer;
      } finally {
        hidden = false;
        output.write('\n');
      }
    },
    say: (text) => {
      output.write(`${text}\n`);
    },
    close: () => {
      lines.close();
    },
  };
}
