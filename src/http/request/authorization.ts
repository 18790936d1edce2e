/** Who calls, and may they: the bearer token of a request, and the permission its path needs. */
import { mayCall } from '../../../domain/matching.ts';
import type { Permission } from '../../../domain/permission.ts';
import type { Caller } from '../../authority.ts';
import { Refused } from '../../commands/refused.ts';

/** The token of `Authorization: Bearer …` (RFC 6750, section 2.1); null: none of this kind was sent. */
export function bearerOf(authorization: string | undefined): string | null {
  const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(authorization ?? '') ?? [];
  if (token !== undefined) return token;
  if (authorization !== undefined && /^Bearer\b/i.test(authorization))
    throw new Refused('token-invalid');
  return null;
}

/** A path in decoded segments, the first one empty. What is not decodable stays as it was sent. */
const segmentsOf = (path: string): string[] =>
  path.split('/').map((segment) => {
    try {
      return decodeURIComponent(segment);
    } catch {
      return segment;
    }
  });

/** GET is read, the rest write (WIRE "Conventions"). */
const operationOf = (method: string): 'read' | 'write' =>
  method === 'GET' || method === 'HEAD' ? 'read' : 'write';

const remedyOf = ({ httpLimit }: Caller): string =>
  httpLimit === null
    ? 'an administrator can give it.'
    : 'what somebody else made, a token or a password, has no more HTTP rights than its maker had: whoever ' +
      'has this right can give it, and then rotate the password.';

/** @throws Refused `permission-missing`, which names the permission that would do */
export function requirePermission(caller: Caller, method: string, path: string): void {
  const segments = segmentsOf(path);
  const operation = operationOf(method);
  if (mayCall(caller.permissions, segments, operation)) return;
  const required: Permission = { context: 'http', resource: segments.join('/'), operation };
  throw new Refused('permission-missing', {
    detail: `This needs ${operation} on ${required.resource}; ${remedyOf(caller)}`,
    members: { required },
  });
}
