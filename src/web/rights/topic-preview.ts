/** What rights come to, topic by topic with the name filled in, and a field to try one. */
import { useId, useState } from 'preact/hooks';
import {
  compiled,
  effectivePermissions,
  isRegistryTopic,
  mayPublish,
  mayRead,
} from '../../../domain/matching.ts';
import type { Permission } from '../../../domain/permission.ts';
import type { Role } from '../../api/output.ts';
import { html, type View } from '../app/html.ts';
import { counted } from '../app/words.ts';
import { Badge, Field, TopicLine } from '../parts/parts.ts';
import { samePermission, sentRights, type TypedRights } from './typed-rights.ts';

interface Preview {
  readonly permission: Permission;
  readonly from: string;
}

/** What rights come to for a name, each with where it is from. */
export function previewOf(username: string, typed: TypedRights, roles: readonly Role[]): Preview[] {
  const rights = sentRights(typed);
  const permissionsOf = (name: string) =>
    roles.find((role) => role.name === name)?.permissions ?? [];
  const of = (own: readonly Permission[], names: readonly string[]) =>
    effectivePermissions(
      { username, roles: names, permissions: own, mqttClientId: rights.mqttClientId },
      permissionsOf,
    );
  const found: Preview[] = of(rights.permissions, []).map((permission) => ({
    permission,
    from: 'added here',
  }));
  for (const name of typed.roles)
    for (const permission of of([], [name]))
      if (!found.some((one) => samePermission(one.permission)(permission)))
        found.push({ permission, from: `role ${name}` });
  return found;
}

const shownTopicsMax = 40;

export function TopicPreview({
  username,
  previews,
  prefix,
}: {
  username: string;
  previews: readonly Preview[];
  prefix: string;
}): View {
  const mqtt = previews.filter(({ permission }) => permission.context === 'mqtt').length;
  const http = previews.length - mqtt;
  const id = useId();
  return html`<section class="stack" aria-labelledby=${id}>
    <p class="row"><strong id=${id}>What <bdi>${username}</bdi> will be able to do</strong>
      <span class="small soft">${counted(mqtt, 'topic', 'topics')}, ${http === 0 ? 'no access to this registry' : html`<${Badge} tone="wait" icon="alert">${counted(http, 'right', 'rights')} in this registry<//>`}</span></p>
    ${
      previews.length === 0
        ? html`<p class="well">Nothing yet: it may connect, and neither publish nor subscribe.</p>`
        : html`<ul class="topics lines">${previews
            .slice(0, shownTopicsMax)
            .map(
              ({ permission, from }) =>
                html`<${TopicLine} key=${`${permission.operation} ${permission.resource}`} permission=${permission} from=${from} mark=${username} />`,
            )}</ul>`
    }
    ${previews.length > shownTopicsMax && html`<p class="small soft">and ${previews.length - shownTopicsMax} more</p>`}
    <${TopicTester} username=${username} permissions=${previews.map(({ permission }) => permission)} prefix=${prefix} />
  </section>`;
}

/** "May X publish to Y?", answered by the rule that the broker goes by. */
export function TopicTester({
  username,
  permissions,
  prefix,
}: {
  username: string;
  permissions: readonly Permission[];
  prefix: string;
}): View {
  const [topic, setTopic] = useState('');
  const id = useId();
  const ready = compiled(permissions);
  const wildcards = /[+#]/.test(topic);
  const publish = !wildcards && mayPublish(ready, topic);
  const unprefixed = prefix !== '' && !wildcards && !publish && mayPublish(ready, prefix + topic);
  const read = mayRead(ready, topic);
  const reserved =
    !wildcards && isRegistryTopic(topic) ? ' Only the registry itself publishes here.' : '';
  const words =
    publish && read
      ? 'publish and subscribe here'
      : publish
        ? 'publish here, not subscribe'
        : read
          ? 'subscribe here, not publish'
          : null;
  return html`<${Field} id=${id} label="Try a topic"
    hint=${
      topic === ''
        ? 'Type a topic, as the broker has it, to see whether it is allowed.'
        : html`<span role="status">${
            words === null
              ? html`<strong>No.</strong> <bdi>${username}</bdi> may ${wildcards ? 'not subscribe' : 'neither publish nor subscribe'} here.${unprefixed ? ` What it publishes as ${topic} goes to ${prefix}${topic}, which it may.` : reserved}`
              : html`<strong>Yes.</strong> <bdi>${username}</bdi> may ${words}.${reserved}`
          }</span>`
    }>
    <input class="input" id=${id} data-mono="" aria-describedby="${id}-h" spellcheck=${false} autocomplete="off" value=${topic} onInput=${(event: InputEvent) => setTopic((event.target as HTMLInputElement).value)} />
  <//>`;
}
