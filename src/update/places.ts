/** Where an image keeps what updates are about. A root in front of all of it is for tests. */
export interface Places {
  /** Written by the first steps of the start: which slot, and whether it is on trial. */
  readonly booted: string
  /** On the data partition, root's own. */
  readonly slots: string
  readonly state: string
  readonly status: string
  /** In the read-only root: whose signature counts. */
  readonly keys: string
  readonly mounts: string
  /** There since a status was written, and gone with the next start: work on an update is of this one. */
  readonly worked: string
  readonly dropCaches: string
  /** Where a device's files lie: `/dev/vda2`, `/sys/class/block/vda2/size`. */
  under(path: string): string
}

export const dataMount = '/data'

export function placesUnder(root = ''): Places {
  const under = (path: string): string => root + path
  return {
    booted: under('/run/lanline-slot'),
    slots: under('/data/slots'),
    state: under('/data/slots/state'),
    status: under('/data/slots/status.json'),
    keys: under('/usr/lib/lanline/update-key.pub'),
    mounts: under('/proc/self/mounts'),
    worked: under('/run/lanline-update'),
    dropCaches: under('/proc/sys/vm/drop_caches'),
    under,
  }
}

/** In the data directory: what is taken in, what was verified, and what root is to install. */
export const waiting = {
  directory: 'update',
  /** And what begins so: of no use once nothing is uploaded. */
  incoming: 'incoming',
  ready: 'ready',
  /** `lanline-update.path` waits for it. */
  bundle: 'bundle',
  /** Lies beside it where the owner means a version that is not newer. */
  evenIfNotNewer: 'bundle-not-newer',
} as const
