/** Links by the operator's hand, on both engines. */
import { expect, it } from 'vitest';
import { applyLink, type LinkDeps, planLinks } from '../../src/people/links.ts';
import { deactivatePerson } from '../../src/people/people.ts';
import { listLinks } from '../../src/storage/records/people.ts';
import { findLinkedUser } from '../../src/storage/records/users.ts';
import { sessionCore } from '../sessions/support.ts';
import { forEachEngine } from '../support/database.ts';

const issuer = 'https://idp.example.org';

forEachEngine((engine) => {
  const setUp = async () => {
    const core = await sessionCore(await engine.open());
    const deps: LinkDeps = { ...core, serverName: 'example.org', issuers: new Map([['main', issuer]]) };
    const wanted = { row: 1, user: `user-${core.userId}`, provider: 'main', subject: 'a' };
    return { core, deps, wanted };
  };

  it('are made once, also by two commands at the same moment', async () => {
    const { core, deps, wanted } = await setUp();
    const [planned] = await planLinks(deps, [wanted]);
    expect(planned?.outcome).toMatchObject({ kind: 'link' });
    const made = await Promise.all([applyLink(deps, planned!), applyLink(deps, planned!)]);
    expect(made.toSorted()).toEqual([false, true]);
    expect(await findLinkedUser(core.db.query, { issuer, subject: 'a' })).toMatchObject({ id: core.userId });
    expect(core.events).toMatchObject([{ event: 'user_linked', userId: core.userId, provider: 'main' }]);
    expect((await planLinks(deps, [wanted]))[0]?.outcome).toMatchObject({ kind: 'linked' });
  });

  it('go to the tenant that is named, and several may lead to one user', async () => {
    const { core, deps, wanted } = await setUp();
    const tenant = 'https://idp.example.org/tenant';
    for (const link of await planLinks(deps, [wanted, { ...wanted, issuer: tenant }]))
      await applyLink(deps, link);
    const links = await listLinks(core.db.query, core.userId);
    expect(links.map((link) => link.issuer).toSorted()).toEqual([issuer, tenant]);
  });

  it('are not made to a user who was deactivated after the plan', async () => {
    const { core, deps, wanted } = await setUp();
    const [planned] = await planLinks(deps, [wanted]);
    await deactivatePerson(core, core.userId);
    expect(await applyLink(deps, planned!)).toBe(false);
    expect((await planLinks(deps, [wanted]))[0]?.outcome).toMatchObject({ kind: 'refused' });
  });
});
