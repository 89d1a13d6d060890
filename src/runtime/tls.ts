/** What a TLS listener needs: certificates and keys as PEM, and which versions we speak. */
export interface Credentials {
  /** Leaf first, then the intermediates. */
  readonly cert: string
  readonly key: string
  readonly minVersion: 'TLSv1.2'
}

export function credentialsOf(certificate: {
  readonly chainPem: string
  readonly keyPem: string
}): Credentials {
  return { cert: certificate.chainPem, key: certificate.keyPem, minVersion: 'TLSv1.2' }
}
