/** Compares two sets of operations: each difference is one line, `operation: what`. */
import type { Body, DescribedOperation, Member } from './described-operation.ts';

/** In place of an operation: what is so throughout. */
const EVERY = 'every operation';
const NULLS = 'null may be written for what is left out';

/** Differences between our operations and the official ones, in the order of the documents; none twice. */
export function compareOperations(
  ours: readonly DescribedOperation[],
  official: readonly DescribedOperation[],
): string[] {
  const differences = new Set<string>();
  for (const mine of ours) {
    const theirs = official.find(({ key }) => key === mine.key);
    if (theirs === undefined) {
      differences.add(`${mine.key}: is not official`);
    } else {
      for (const what of compareOperation(mine, theirs))
        differences.add(what === NULLS ? `${EVERY}: ${what}` : `${mine.key}: ${what}`);
    }
    if (mine.answers.has('304') && theirs?.answers.has('304') === false)
      differences.add(`${EVERY}: status 304 is not official`);
    for (const path of mine.also) differences.add(describeAlias(mine.key, path));
  }
  const known = new Set(ours.map(({ key }) => key));
  for (const { key } of official) if (!known.has(key)) differences.add(`${key}: is missing`);
  return [...differences];
}

/** An operation without an answer that grants anything is one difference, which stands for all that the refusal makes of it. */
function compareOperation(ours: DescribedOperation, official: DescribedOperation): string[] {
  if (isRefused(ours) && !isRefused(official)) return ['is only refused'];
  return [
    ...(ours.token === official.token ? [] : [`access token is ${ours.token}, officially ${official.token}`]),
    ...compareParameters(ours, official),
    ...compareBodies('body', ours.body, official.body),
    ...compareAnswers(ours, official),
  ];
}

function isRefused({ answers }: DescribedOperation): boolean {
  return ![...answers.keys()].some((status) => /^[23]/.test(status));
}

/** `r0` is how `v3` was called before version 1.1 of the specification: one difference for all operations. */
function describeAlias(key: string, path: string): string {
  const [, own = ''] = key.split(' ');
  const isOld = path.replace('/r0/', '/v3/').replace(/\{[^}]+\}/g, '{}') === own;
  return isOld ? `${EVERY}: is served below r0 too` : `${key}: is served as ${path} too`;
}

function compareParameters(ours: DescribedOperation, official: DescribedOperation): string[] {
  const found: string[] = [];
  for (const [name, required] of official.parameters) {
    const mine = ours.parameters.get(name);
    if (mine === undefined) found.push(`${name} is missing`);
    else if (mine !== required) found.push(`${name} is ${required ? 'optional' : 'required'} here`);
  }
  for (const name of ours.parameters.keys())
    if (!official.parameters.has(name)) found.push(`${name} is not official`);
  return found;
}

/** A range such as `4XX` says nothing of a status that the other document names: each has to be written out. */
function compareAnswers(ours: DescribedOperation, official: DescribedOperation): string[] {
  const found: string[] = [];
  for (const [status, body] of official.answers) {
    if (!ours.answers.has(status)) found.push(`status ${status} is missing`);
    else found.push(...compareBodies(status, ours.answers.get(status), body));
  }
  for (const status of ours.answers.keys())
    if (!official.answers.has(status) && !status.endsWith('XX') && status !== '304')
      found.push(`status ${status} is not official`);
  return found;
}

/** `place` is `body`, where the client speaks, or the status of an answer. Errors may have any further member. */
function compareBodies(place: string, ours: Body | undefined, official: Body | undefined): string[] {
  const isError = /^[45]/.test(place);
  if (isError && official === undefined) return [];
  if (ours === undefined || official === undefined) {
    if (ours === official) return [];
    return [`${place}: JSON is ${ours === undefined ? 'missing' : 'not official'}`];
  }
  const found: string[] = [];
  if (place === 'body' && ours.required !== official.required)
    found.push(`body is ${official.required ? 'optional' : 'required'} here`);
  for (const [name, theirs] of official.members) {
    const mine = ours.members.get(name);
    if (mine !== undefined) {
      found.push(...compareMembers(`${place}: ${name}`, place === 'body', mine, theirs));
    } else if (!lacksHolder(ours, name)) found.push(`${place}: ${name} is missing`);
  }
  const more = isError ? [] : unofficial(ours, official);
  if (more.length > 0) found.push(`${place}: not official: ${more.join(', ')}`);
  return found;
}

function unofficial(ours: Body, official: Body): string[] {
  return [...ours.members.keys()].filter(
    (name) =>
      !official.members.has(name) && !official.open.has(holderOf(name)) && !lacksHolder(official, name),
  );
}

/** What a client need not send may be required there; what an answer always has may be optional there. */
function compareMembers(name: string, isRequest: boolean, ours: Member, official: Member): string[] {
  const found: string[] = [];
  const plain = ours.type.replace(/\bnull\||\|null\b/, '');
  const takesNull = isRequest && plain === official.type && plain !== ours.type;
  if (takesNull) found.push(NULLS);
  const type = takesNull ? plain : ours.type;
  if (type !== official.type && official.type !== 'any')
    found.push(`${name} is ${type}, officially ${official.type}`);
  if (official.required && !ours.required) found.push(`${name} is optional here`);
  if (isRequest && ours.required && !official.required) found.push(`${name} is required here`);
  return found;
}

/** Whether what holds the member is not there either: that is told, and enough. */
function lacksHolder(body: Body, name: string): boolean {
  const holder = holderOf(name);
  if (holder === '') return false;
  if (holder.endsWith('[]')) return lacksHolder(body, holder);
  return !body.members.has(holder) || lacksHolder(body, holder);
}

/** `a.b` is in `a`, `a[].b` in `a[]`, `a[]` in `a`; the body itself has no name. */
function holderOf(name: string): string {
  if (name.endsWith('[]')) return name.slice(0, -2);
  return name.slice(0, Math.max(0, name.lastIndexOf('.')));
}
