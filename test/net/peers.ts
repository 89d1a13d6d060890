/**
 * Which programs and rights a real-peer test needs, and what to do when this machine lacks them: skip with the reason
 * in the test's name, or fail where `CI=true` says that nothing may be missing.
 */
import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { describe, it } from 'vitest'

/** A program by its name, or `namespaces`: the right to make network namespaces. */
export type Peer =
  | 'namespaces'
  | 'chromium'
  | 'firefox-esr'
  | 'pulseaudio'
  | 'dumpcap'
  | 'tshark'
  | 'tcpdump'
  | 'curl'
  | 'sngrep'
  | 'script'
  | 'certutil'
  | 'baresip'
  | 'linphonec'
  | 'twinkle-console'
  | 'sipp'
  | 'ffmpeg'
  | 'nft'
  | 'tc'
  | 'avahi-browse'
  | 'avahi-daemon'
  | 'dbus-daemon'
  | 'zbarimg'
  | 'turnutils_uclient'
  | 'turnutils_peer'
  | 'turnutils_stunclient'
  | 'systemd-analyze'
  | 'perl'

const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']

/** Why the test cannot run here; undefined when it can. */
export function missingPeers(...peers: Peer[]): string | undefined {
  const missing = peers.filter(peer =>
    peer === 'namespaces' ? !canMakeNamespaces() : pathOf(peer) === undefined,
  )
  return missing.length === 0 ? undefined : `not on this machine: ${missing.join(', ')}`
}

/** `describe`, skipped with its reason where a peer is missing; with `CI=true` a failed test instead. */
export function describeWith(peers: readonly Peer[], title: string, body: () => void): void {
  const missing = missingPeers(...peers)
  if (missing === undefined) {
    describe(title, body)
  } else if (process.env.CI === 'true') {
    describe(title, () => {
      it('has every peer it needs', () => {
        throw new Error(missing)
      })
    })
  } else {
    describe.skip(`${title} (skipped, ${missing})`, body)
  }
}

/** The program's path, or undefined. */
export function pathOf(program: string): string | undefined {
  for (const folder of folders) {
    try {
      accessSync(`${folder}/${program}`, constants.X_OK)
      return `${folder}/${program}`
    } catch {
      // Not in this folder.
    }
  }
  return undefined
}

let namespacesWork: boolean | undefined

function canMakeNamespaces(): boolean {
  if (namespacesWork === undefined) {
    const name = `lanline-${process.pid}-999-probe`
    try {
      accessSync('/etc', constants.W_OK)
      execFileSync('ip', ['netns', 'add', name], { stdio: 'ignore' })
      execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' })
      namespacesWork = true
    } catch {
      namespacesWork = false
    }
  }
  return namespacesWork
}
