/** Compares two sets of operations: each difference is one line, `operation: what`. */
import type { Body, DescribedOperation, Member } from './described-operation.ts';

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
      for (const what of compareOperation(mine, theirs)) differences.add(`${mine.key}: ${what}`);
    }
    for (const path of mine.also) differences.add(describeAlias(mine.key, path));
  }
  const known = new Set(ours.map(({ key }) => key));
  for (const { key } of official) if (!known.has(key)) differences.add(`${key}: is missing`);
  return [...differences];
}

function compareOperation(ours: DescribedOperation, official: DescribedOperation): string[] {
  return [
    ...(ours.token === official.token ? [] : [`access token is ${ours.token}, officially ${official.token}`]),
    ...compareParameters(ours, official),
    ...compareBodies('body', ours.body, official.body),
    ...compareAnswers(ours, official),
  ];
}

/** A path that differs in the version alone counts once for all operations. */
function describeAlias(key: string, path: string): string {
  const [, official = ''] = key.split(' ');
  const version = /^\/_matrix\/client\/[^/]+/;
  const same = path.replace(version, '').replace(/\{[^}]+\}/g, '{}') === official.replace(version, '');
  const prefix = version.exec(path)?.[0];
  return same && prefix !== undefined
    ? `every operation: may be served below ${prefix} too`
    : `${key}: is served as ${path} too`;
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
    if (!official.answers.has(status) && !status.endsWith('XX'))
      found.push(`status ${status} is not official`);
  return found;
}

/** `place` is `body`, where the client speaks, or the status of an answer. */
function compareBodies(place: string, ours: Body | undefined, official: Body | undefined): string[] {
  if (ours === undefined || official === undefined) {
    if (ours === official) return [];
    return [`${place}: JSON is ${ours === undefined ? 'missing' : 'not official'}`];
  }
  const found: string[] = [];
  if (place === 'body' && ours.required !== official.required)
    found.push(`body is ${official.required ? 'optional' : 'required'} here`);
  for (const [name, theirs] of official.members) {
    const mine = ours.members.get(name);
    if (mine !== undefined)
      found.push(...compareMembers(`${place}: ${name}`, place === 'body', mine, theirs));
    else if (!lacksHolder(ours, name)) found.push(`${place}: ${name} is missing`);
  }
  for (const name of ours.members.keys()) {
    if (official.members.has(name) || official.open.has(holderOf(name)) || lacksHolder(official, name))
      continue;
    found.push(`${place}: ${name} is not official`);
  }
  return found;
}

/** What a client need not send may be required there; what an answer always has may be optional there. */
function compareMembers(name: string, isRequest: boolean, ours: Member, official: Member): string[] {
  const found: string[] = [];
  if (ours.type !== official.type && official.type !== 'any')
    found.push(`${name} is ${ours.type}, officially ${official.type}`);
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
