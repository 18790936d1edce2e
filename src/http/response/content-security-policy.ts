/** What a browser may load for an answer: nothing but one style. */
export const contentSecurityPolicyOf = (style: string): string =>
  `default-src 'none'; style-src ${style}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
