/** Who calls, to whoever is not told (RFC 3323 §4.1.1.3). No person has this name. */
export const nobody = { user: 'anonymous', displayName: 'Anonymous' } as const
