/**
 * A folder that looks to lanline like the root of a flashed image: it says which slot was started, trusts a key of its
 * own for updates, and has a free slot. Signs an update by that key, as a release is signed. For pictures of Settings;
 * nothing here starts or writes a slot.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { architectureOf } from '../src/update/machine-io.ts'
import { placesUnder } from '../src/update/places.ts'
import { bundleOf, pemOf, publicKey } from '../test/update/house.ts'

const slotBytes = 1_000_000

/** Makes the folder; returns the environment of a lanline that is to take it for its root. */
export function makeImageRoot(root: string): Readonly<Record<string, string>> {
  const { booted, keys, mounts, state } = placesUnder(root)
  const files: Readonly<Record<string, string | Uint8Array>> = {
    [booted]: 'slot=a\ntrial=no\n',
    [keys]: pemOf(publicKey),
    [mounts]: '/dev/vda4 /data ext4 rw 0 0\n',
    [state]: 'good=a\n',
    [join(root, 'dev/vda2')]: new Uint8Array(slotBytes),
    [join(root, 'dev/vda3')]: new Uint8Array(slotBytes),
  }
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, content)
  }
  return { LANLINE_APPLIANCE_ROOT: root }
}

/** One version further, for this machine; it knows every database there may be. */
export const signedUpdate = (): Buffer =>
  bundleOf({
    architecture: architectureOf(process.arch) as 'amd64' | 'arm64',
    schema: 1_000,
    createdAt: Date.now(),
  })
