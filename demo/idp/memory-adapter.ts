/**
 * Storage of the demo provider: a map in memory, bounded, with expiry. Clients are not stored: they are asked for, so that their
 * redirect URIs can change while the provider runs.
 */
import type { Adapter, AdapterFactory, AdapterPayload, AllClientMetadata } from 'oidc-provider';
import { LRUCache } from 'lru-cache';

/** Creates the adapter factory that `oidc-provider` wants, and a way to forget everything. */
export function createMemoryAdapter(client: (clientId: string) => AllClientMetadata | undefined): {
  adapter: AdapterFactory;
  clear(): void;
} {
  const entries = new LRUCache<string, AdapterPayload>({ max: 10_000 });
  const byGrant = new LRUCache<string, Set<string>>({ max: 10_000 });
  const idByUid = new LRUCache<string, string>({ max: 10_000 });

  const adapter = (model: string): Adapter => ({
    upsert(id, payload, expiresIn) {
      const key = `${model}:${id}`;
      entries.set(key, payload, expiresIn === undefined ? {} : { ttl: expiresIn * 1000 });
      if (payload.uid !== undefined) idByUid.set(payload.uid, id);
      if (payload.grantId !== undefined) {
        const keys = byGrant.get(payload.grantId) ?? new Set<string>();
        byGrant.set(payload.grantId, keys.add(key));
      }
      return Promise.resolve();
    },
    find: (id) =>
      Promise.resolve(
        model === 'Client' ? (client(id) as AdapterPayload | undefined) : entries.get(`${model}:${id}`),
      ),
    findByUid: (uid) => {
      const id = idByUid.get(uid);
      return Promise.resolve(id === undefined ? undefined : entries.get(`${model}:${id}`));
    },
    findByUserCode: () => Promise.resolve(undefined),
    consume(id) {
      const entry = entries.get(`${model}:${id}`);
      if (entry !== undefined) entry.consumed = true;
      return Promise.resolve();
    },
    destroy(id) {
      entries.delete(`${model}:${id}`);
      return Promise.resolve();
    },
    revokeByGrantId(grantId) {
      for (const key of byGrant.get(grantId) ?? []) entries.delete(key);
      byGrant.delete(grantId);
      return Promise.resolve();
    },
  });

  return {
    adapter,
    clear: () => {
      entries.clear();
      byGrant.clear();
      idByUid.clear();
    },
  };
}
