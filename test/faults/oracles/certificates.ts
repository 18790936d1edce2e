/** Whether certificates that were given are those that the log names, and those that are over are revoked. */

export interface CertificatesSeen {
  readonly username: string;
  /** Serial numbers, as the device was given them. */
  readonly given: readonly string[];
  /** As `CertificateIssued` names them. */
  readonly issued: readonly string[];
  /** Null where nobody has granted the device anything. */
  readonly granted: {
    readonly status: string;
    /** As the registry shows the client's credentials. */
    readonly held: readonly string[];
    readonly isRevoked: (serial: string) => boolean;
    /** What it is answered when it asks again, and which certificate came with it. */
    readonly again: { readonly status: number; readonly serial: string | null };
  } | null;
}

/** The one in use, and the one that follows it. */
const heldMax = 2;

export function certificateFaults(seen: CertificatesSeen): string[] {
  const { username, given, issued, granted } = seen;
  const violations = given
    .filter((serial) => !issued.includes(serial))
    .map((serial) => `${username} was given ${serial}, which the log does not name`);
  if (granted === null) return violations;
  const { status, held, isRevoked, again } = granted;
  if (status !== 'active') violations.push(`${username} was granted, and is ${status}`);
  for (const serial of issued)
    if (!held.includes(serial) && !isRevoked(serial))
      violations.push(`${username}: ${serial} is neither held nor on the list of revoked ones`);
  for (const serial of held)
    if (!issued.includes(serial))
      violations.push(`${username} holds ${serial}, which the log does not name`);
  if (held.length > heldMax) violations.push(`${username} holds ${held.length} certificates`);
  if (again.status !== 201 || again.serial === null || !held.includes(again.serial))
    violations.push(`${username} asks again, and is told ${again.status}`);
  return violations;
}
