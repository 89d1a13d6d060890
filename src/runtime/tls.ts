/** What a TLS listener needs: certificates and key as PEM, and which versions we speak. */
export interface Credentials {
  /** Leaf first, then the intermediates. */
  readonly cert: string
  readonly key: string
  readonly minVersion: 'TLSv1.2'
}

export function credentialsOf(pair: { readonly cert: string; readonly key: string }): Credentials {
  return { cert: pair.cert, key: pair.key, minVersion: 'TLSv1.2' }
}
