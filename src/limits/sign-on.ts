/** Sign-ins at an identity provider: how long they take, how many there are, and what is taken of its answers. */

/** Milliseconds that a sign-in at the identity provider lasts at most, with all its tokens. */
export const ssoSessionMaxMs = 24 * 60 * 60 * 1_000;
/** Groups of the identity provider that have roles here. */
export const ssoGroupsMax = 256;
/** Milliseconds from the button to the way back: what the browser keeps meanwhile ends then. */
export const ssoFlowMs = 10 * 60 * 1_000;
/** Sign-ins whose one use is remembered until they end; of more, the oldest may come back once more. */
export const ssoFlowsSeenMax = 100_000;
/** Milliseconds that one request to the identity provider may take. */
export const ssoRequestTimeoutMs = 5_000;
/** Bytes of one answer of the identity provider. */
export const ssoResponseBytesMax = 262_144;
/** Requests of sign-ins to the identity provider that are under way at once. */
export const ssoRequestsAtOnceMax = 32;
/** Milliseconds until what the identity provider says of itself is asked anew. */
export const ssoMetadataFreshMs = 60 * 60 * 1_000;
/** Milliseconds that a provider is left alone that did not answer. */
export const ssoProviderRestMs = 2_000;
/** Characters of a subject (OpenID Connect Core, section 2). */
export const ssoSubjectCharactersMax = 255;
/** Groups of one person that are looked at. */
export const ssoGroupsOfPersonMax = 10_000;
/** Sign-ins of command lines that wait for their person, in all. */
export const deviceSignInsMax = 200;
/** The same from one source. */
export const deviceSignInsPerSourceMax = 10;
/** Milliseconds that one of them waits at most, whatever the provider says. */
export const deviceSignInMaxMs = 15 * 60 * 1_000;
