/** What this room needs kept: the store's settings offer it. */

/** DER throughout; keys are PKCS #8. The root's key is nowhere: it was dropped after signing the intermediate. */
export interface StoredAuthority {
  readonly root: Uint8Array
  readonly intermediate: Uint8Array
  readonly intermediateKey: Uint8Array
}
export interface StoredLeaf {
  readonly certificate: Uint8Array
  readonly key: Uint8Array
}

/** A certificate of the owner's: PEM, leaf first, and its key (PKCS #8). */
export interface StoredOwn {
  readonly chain: string
  readonly key: string
}

export interface CertificateStore {
  authority(): StoredAuthority | undefined
  setAuthority(authority: StoredAuthority): Promise<void>
  leaf(): StoredLeaf | undefined
  setLeaf(leaf: StoredLeaf): Promise<void>
  ownCertificate(): StoredOwn | undefined
  /** Undefined: none any more. */
  setOwnCertificate(own: StoredOwn | undefined): Promise<void>
}
