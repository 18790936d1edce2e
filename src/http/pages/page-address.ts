/** Where the page shows what somebody typed as a path: its views stand behind a hash. */

const views: Readonly<Record<string, string>> = {
  ...{ clients: 'clients', users: 'clients', requests: 'requests', registry: '', login: '' },
  ...{ rules: 'rules', roles: 'roles', tokens: 'tokens', audit: 'audit', approvals: 'approvals' },
};

/** Undefined: it is no view of the page. */
export function pageAddress(path: string): string | undefined {
  const [, word = '', name] = /^\/(\w+)(?:\/([\w.@:-]+))?\/?$/.exec(path) ?? [];
  const view = Object.hasOwn(views, word) ? views[word] : undefined;
  if (view === undefined) return undefined;
  return `/#/${view}${view === 'clients' && name !== undefined ? `/${name}` : ''}`;
}
