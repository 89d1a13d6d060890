/** What an update is, where it stands, and how it goes wrong. Types and constants only. */

/** Root slots of an image: one runs, the other takes the next update. */
export type Slot = 'a' | 'b'

export const architectures = ['arm64', 'amd64'] as const
export type Architecture = (typeof architectures)[number]

/** What a bundle says of itself, and what its signature is over. */
export interface UpdateManifest {
  readonly product: 'lanline'
  readonly version: string
  /** What the version was made of, for people: a commit. */
  readonly build: string
  readonly architecture: Architecture
  /** Of the root file system, which is all that follows. */
  readonly rootBytes: number
  /** Lower-case hexadecimal. */
  readonly rootSha256: string
  /** The newest database that this version knows. */
  readonly schema: number
  /** The oldest kernel and first steps (on the card's first partition) that it runs with. */
  readonly boot: number
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

export const updateLimits = {
  /** First line, signature and manifest. */
  manifestBytes: 4_096,
  rootBytes: 2_000_000_000,
} as const

export type UpdateProblem =
  /** No bundle of ours at all, or of a format that this version does not know. */
  | 'notAnUpdate'
  /** Not signed by a key that this appliance trusts: another key, or a changed manifest. */
  | 'untrusted'
  /** Cut off, longer than it says, or its content is not what was signed. */
  | 'damaged'
  | 'wrongArchitecture'
  /** It is not newer than what runs; it needs the owner's word. */
  | 'notNewer'
  /** It cannot read the database as it is now. */
  | 'schemaOlder'
  /** The card's kernel is too old for it: flash the card anew. */
  | 'bootTooOld'
  | 'tooLarge'
  /** This is no image with two slots. */
  | 'notAnImage'
  /** Another update is being installed, or is on trial. */
  | 'busy'
  | 'noRoom'
  /** The disk did not keep what was written. */
  | 'failed'

/** What it would be installed on. */
export interface Machine {
  readonly version: string
  readonly architecture: string
  /** Of the database as it is. */
  readonly schema: number
  readonly boot: number
  /** Undefined where it cannot be told yet. */
  readonly slotBytes: number | undefined
}

/** The way that an update takes, on disk beside the slots: root writes it, the daemon reads it. */
export interface UpdateStatus {
  readonly phase: 'verifying' | 'writing' | 'checking' | 'restarting' | 'confirmed' | 'wentBack' | 'failed'
  readonly from: string
  readonly to: string
  /** Of the slot that is written. */
  readonly slot: Slot | undefined
  /** 0 to 100, while it is verified, written or read back. */
  readonly percent: number | undefined
  /** One sentence: what went wrong. */
  readonly why: string | undefined
  /** Parts of health that had failed before: they are no reason to go back. */
  readonly failedBefore: readonly string[]
  readonly at: number
}

/** What the owner is told of it. */
export type ToldStatus = Omit<UpdateStatus, 'phase' | 'failedBefore'> & {
  readonly phase: UpdateStatus['phase'] | 'onTrial'
}

/** What is booted, as the first steps of the start told it. */
export interface Booted {
  readonly slot: Slot
  readonly trial: boolean
  /** The card's kernel and first steps, counted up when a root file system needs newer ones. */
  readonly boot: number
}

/** Which slot is good, and which is to be tried. */
export interface SlotState {
  readonly good: Slot
  readonly trial: { readonly next: Slot; readonly tries: number } | undefined
}

/** How an update is made here. */
export type Installation = 'image' | 'package' | 'source'

/** What the owner is told. */
export interface UpdateState {
  readonly installation: Installation
  readonly version: string
  readonly slot: Slot | undefined
  /** This version is on trial: confirmed when all is well for a minute, else the one before comes back. */
  readonly trial: boolean
  /** Changes wait until the trial is over. */
  readonly changesWait: boolean
  /** What was uploaded and verified, and not installed yet. */
  readonly ready: ReadyUpdate | undefined
  readonly status: ToldStatus | undefined
}

export interface ReadyUpdate {
  readonly manifest: UpdateManifest
  readonly from: string
  readonly relation: 'newer' | 'same' | 'older'
}
