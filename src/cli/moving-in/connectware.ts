/** Connectware's service commissioning files: the users and roles in them, and what of them cannot be kept. */
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { MqttPublishPrefix, Permission } from '../../../domain/permission.ts';
import { CommandFailed, exitCodes } from '../command.ts';
import type { MovingClient, MovingPassword, MovingRole, Remark, SaidByFile } from './found.ts';
import { isRoleName, nameFault, templateFault, templateMark } from './rules.ts';

export interface ConnectwareOptions {
  /** As it was installed: Connectware puts it in front of the names of users; null: they stand as in the file. */
  readonly serviceId: string | null;
  readonly parameters: ReadonlyMap<string, string>;
}

/** References within references. */
const referenceDepthMax = 8;

/** What stands in a map, by its keys. */
const entriesOf = (node: unknown): [string, Node | null][] =>
  isMap(node)
    ? node.items.map(({ key, value }) => [
        isScalar(key) ? String(key.value) : '',
        isNode(value) ? value : null,
      ])
    : [];
const fieldOf = (node: unknown, name: string): Node | undefined =>
  isMap(node) ? ((node as YAMLMap).get(name, true) as Node | undefined) : undefined;

/** Reads one file. */
class Reading {
  readonly remarks: Remark[] = [];
  readonly #file: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #options: ConnectwareOptions;

  constructor(file: string, text: string, options: ConnectwareOptions) {
    this.#file = file;
    this.#options = options;
    this.#lines = new LineCounter();
    // Its tags (!ref, !sub) are read here; a parser of its own would only warn of them.
    this.#document = parseDocument(text, { lineCounter: this.#lines, logLevel: 'silent' });
    const [fault] = this.#document.errors;
    if (fault !== undefined)
      throw new CommandFailed(exitCodes.usage, `${file} is not YAML.`, [
        `${file}:${this.#lines.linePos(fault.pos[0]).line}: ${fault.code}`,
      ]);
  }

  get resources(): [string, Node | null][] {
    return entriesOf(fieldOf(this.#document.contents, 'resources'));
  }

  placeOf(node: Node | null | undefined): string {
    const at = node?.range?.[0];
    return at === undefined ? this.#file : `${this.#file}:${this.#lines.linePos(at).line}`;
  }

  remark(node: Node | null | undefined, text: string): void {
    this.remarks.push({ place: this.placeOf(node), text });
  }

  /** What a parameter, a definition or Connectware itself gives; null: the file does not say. */
  #value(name: string, depth: number): string | null {
    const { serviceId, parameters } = this.#options;
    if (name === 'Cybus::ServiceId') return serviceId;
    if (name === 'Cybus::MqttRoot') return serviceId === null ? null : `services/${serviceId}`;
    const given = parameters.get(name);
    if (given !== undefined) return given;
    const { contents } = this.#document;
    const parameter = fieldOf(fieldOf(fieldOf(contents, 'parameters'), name), 'default');
    const found = parameter ?? fieldOf(fieldOf(contents, 'definitions'), name);
    return found === undefined ? null : this.#resolved(found, depth + 1);
  }

  #resolved(node: Node, depth: number): string | null {
    if (depth > referenceDepthMax || !isScalar(node) || node.value === null) return null;
    const text = String(node.value);
    if (node.tag === '!ref') return this.#value(text, depth);
    if (node.tag !== '!sub') return node.tag?.startsWith('!') ? null : text;
    let isWhole = true;
    const filled = text.replaceAll(/\$\{([^}]*)\}/g, (_whole, name: string) => {
      const value = this.#value(name.trim(), depth);
      if (value === null) isWhole = false;
      return value ?? '';
    });
    return isWhole ? filled : null;
  }

  /** Text, its references resolved; what cannot be is remarked on. Undefined: nothing stands there, or nothing known. */
  text(node: Node | undefined, what: string): string | undefined {
    if (node === undefined) return undefined;
    const text = this.#resolved(node, 0);
    if (text === null)
      this.remark(
        node,
        `${what} cannot be resolved here: give --parameter NAME=VALUE, or --service-id ID`,
      );
    return text ?? undefined;
  }

  /** The name of a resource that is referred to by its name or by `!ref`. */
  reference(node: Node): string {
    return isScalar(node) ? String(node.value) : '';
  }

  permissions(node: Node | undefined, of: string): Permission[] {
    if (!isSeq(node)) return [];
    return node.items.flatMap((item): Permission[] => {
      const field = (name: string) => this.text(fieldOf(item, name), `${of}: ${name}`);
      const [resource, operation] = [field('resource'), field('operation')];
      const context = field('context') ?? 'mqtt';
      if (resource === undefined || operation === undefined) return [];
      const said = `${of}: ${context}:${operation}:${resource}`;
      const leave = (because: string) => {
        this.remark(item as Node, `${said}: left out, ${because}`);
        return [];
      };
      if (context !== 'mqtt')
        return leave('it is a path of Connectware; HTTP rights are never given by an import');
      if (resource.includes(templateMark)) return leave(templateFault);
      const parsed = Permission.safeParse({ context, operation, resource });
      return parsed.success ? [parsed.data] : leave(parsed.error.issues[0]?.message ?? '');
    });
  }
}

const rolesType = 'Cybus::Role';
const usersType = 'Cybus::User';
const userFields = ['password', 'permissions', 'roles', 'mqttPublishPrefix'];
const lost: Readonly<Record<string, string>> = {
  grantTypes: 'how somebody may sign in is not chosen for each user here',
  certificates: 'certificates are issued by the CA of this registry: let the device ask with a CSR',
  identityProvider: 'users of another identity provider sign in by single sign-on here',
  enforceMFAEnrollment: 'a second factor is the identity provider’s here',
  tokens: 'tokens are issued anew',
};

function roleIn(reading: Reading, name: string, properties: Node | undefined): MovingRole {
  const permissions = reading.permissions(fieldOf(properties, 'permissions'), `role ${name}`);
  return { name, permissions, place: reading.placeOf(properties) };
}

function prefixIn(reading: Reading, node: Node | undefined, of: string): string | null {
  const text = reading.text(node, `${of}: mqttPublishPrefix`);
  if (text === undefined) return null;
  const parsed = MqttPublishPrefix.safeParse(text);
  if (parsed.success) return parsed.data;
  reading.remark(node, `${of}: mqttPublishPrefix left out, it ${parsed.error.issues[0]?.message}`);
  return null;
}

function userIn(
  reading: Reading,
  name: string,
  properties: Node | undefined,
  roleNames: ReadonlyMap<string, string>,
): MovingClient {
  const of = `user ${name}`;
  for (const [field, value] of entriesOf(properties))
    if (!userFields.includes(field)) {
      const why = Object.hasOwn(lost, field) ? `: ${lost[field]}` : '';
      reading.remark(value, `${of}: ${field} is not kept${why}`);
    }
  const given = fieldOf(properties, 'roles');
  const roles = (isSeq(given) ? given.items : []).flatMap((item): string[] => {
    const role = roleNames.get(reading.reference(item as Node));
    if (role === undefined)
      reading.remark(
        item as Node,
        `${of}: role ${reading.reference(item as Node)} is not in this file: left out`,
      );
    return role === undefined ? [] : [role];
  });
  const password = reading.text(fieldOf(properties, 'password'), `${of}: password`);
  const found: MovingPassword =
    password === undefined
      ? { kind: 'none', because: 'the file does not tell it' }
      : { kind: 'plain', password };
  return {
    ...{ username: name, roles, password: found, mqttClientId: null },
    permissions: reading.permissions(fieldOf(properties, 'permissions'), of),
    mqttPublishPrefix: prefixIn(reading, fieldOf(properties, 'mqttPublishPrefix'), of),
    place: reading.placeOf(properties),
  };
}

export function connectwareIn(file: string, text: string, options: ConnectwareOptions): SaidByFile {
  const reading = new Reading(file, text, options);
  const nameOf = (id: string) => (options.serviceId === null ? id : `${options.serviceId}.${id}`);
  const ofType = (type: string) =>
    reading.resources.filter(([, one]) => reading.reference(fieldOf(one, 'type') as Node) === type);
  const [roleNodes, userNodes] = [ofType(rolesType), ofType(usersType)];
  const roles = roleNodes.flatMap(([id, node]): MovingRole[] => {
    const role = roleIn(reading, nameOf(id), fieldOf(node, 'properties'));
    if (isRoleName(role.name)) return [role];
    reading.remark(node, `role ${role.name}: left out, it cannot be the name of a role here`);
    return [];
  });
  const roleNames = new Map(
    roleNodes
      .map(([id]): [string, string] => [id, nameOf(id)])
      .filter(([, name]) => isRoleName(name)),
  );
  const clients = userNodes.flatMap(([id, node]): MovingClient[] => {
    const name = nameOf(id);
    const fault = nameFault(name);
    if (fault === null) return [userIn(reading, name, fieldOf(node, 'properties'), roleNames)];
    reading.remark(node, `user ${name}: left out, a name ${fault}`);
    return [];
  });
  const others = reading.resources.length - roleNodes.length - userNodes.length;
  if (others > 0)
    reading.remark(
      null,
      `${others} of its resources are no users and no roles, and stay where they are`,
    );
  if (clients.length > 0 && options.serviceId === null)
    reading.remark(
      null,
      'newer Connectware puts the ID of the service in front of the names of its users: then give --service-id ID',
    );
  return { roles, clients, remarks: reading.remarks, forAll: [] };
}
