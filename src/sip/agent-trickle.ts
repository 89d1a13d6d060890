/**
 * Trickled candidates as SIP carries them (RFC 8840): the Info Package `trickle-ice` and its body
 * `application/trickle-ice-sdpfrag`. Building and reading of fragments only; when one is sent says `agent-inside.ts`.
 */
import type { Candidate } from './message.ts'

export const infoPackage = 'trickle-ice'
export const fragmentType = 'application/trickle-ice-sdpfrag'

const maxCandidateCharacters = 1_024

interface Section {
  readonly media: string
  readonly mid: string | undefined
  readonly ufrag: string | undefined
  readonly pwd: string | undefined
}

/** True for what may stand on an `a=` line: `candidate:…`, bounded, one line. */
export function isCandidateLine(text: string): boolean {
  return text.length <= maxCandidateCharacters && /^candidate:[\x20-\x7e]+$/.test(text)
}

/**
 * The fragment that tells all `candidates` of the description `sdp` (RFC 8840 §9): its credentials, then a pseudo
 * m-line with its mid for each section that has candidates. Undefined when the description has no ICE credentials.
 */
export function formatFragment(
  sdp: string,
  candidates: readonly Candidate[],
  end: boolean,
): string | undefined {
  const sections = sectionsOf(sdp)
  const first = sections.find(section => section.ufrag !== undefined && section.pwd !== undefined)
  if (first === undefined) return undefined
  const lines = [`a=ice-ufrag:${first.ufrag}`, `a=ice-pwd:${first.pwd}`]
  if (end) lines.push('a=end-of-candidates')
  for (const [index, section] of sections.entries()) {
    const own = candidates.filter(candidate => sectionOf(sections, candidate) === index)
    if (own.length === 0) continue
    lines.push(`m=${section.media}`)
    if (section.mid !== undefined) lines.push(`a=mid:${section.mid}`)
    if (section.ufrag !== undefined && section.ufrag !== first.ufrag) {
      lines.push(`a=ice-ufrag:${section.ufrag}`, `a=ice-pwd:${section.pwd ?? ''}`)
    }
    for (const candidate of own) lines.push(`a=${candidate.candidate}`)
  }
  return `${lines.join('\r\n')}\r\n`
}

/** The candidates a fragment tells, in order; undefined in the list stands for end-of-candidates. At most `limit`. */
export function parseFragment(text: string, remoteSdp: string, limit: number): (Candidate | undefined)[] {
  const sections = sectionsOf(remoteSdp)
  const found: (Candidate | undefined)[] = []
  let ended = false
  let ufrag: string | undefined
  let sectionUfrag: string | undefined
  let mid: string | undefined
  let index = -1
  for (const raw of text.split('\n', 2_048)) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    if (line.startsWith('m=')) {
      index++
      mid = undefined
      sectionUfrag = undefined
    } else if (line.startsWith('a=mid:')) mid = line.slice(6)
    else if (line.startsWith('a=ice-ufrag:')) {
      if (index < 0) ufrag = line.slice(12)
      else sectionUfrag = line.slice(12)
    } else if (line === 'a=end-of-candidates') ended ||= index < 0 || sections.length <= 1
    else if (line.startsWith('a=candidate:') && isCandidateLine(line.slice(2)) && found.length < limit) {
      const known = mid === undefined ? -1 : sections.findIndex(section => section.mid === mid)
      found.push({
        candidate: line.slice(2),
        sdpMid: mid,
        sdpMLineIndex: known >= 0 ? known : Math.max(0, index),
        usernameFragment: sectionUfrag ?? ufrag,
      })
    }
  }
  if (ended) found.push(undefined)
  return found
}

/** What makes two told candidates the same one. */
export function candidateKey(candidate: Candidate | undefined): string {
  if (candidate === undefined) return 'end'
  return `${candidate.usernameFragment ?? ''} ${candidate.sdpMid ?? candidate.sdpMLineIndex ?? ''} ${candidate.candidate}`
}

function sectionOf(sections: readonly Section[], candidate: Candidate): number {
  const byMid = sections.findIndex(section => section.mid !== undefined && section.mid === candidate.sdpMid)
  if (byMid >= 0) return byMid
  const index = candidate.sdpMLineIndex ?? 0
  return index < sections.length ? index : 0
}

function sectionsOf(sdp: string): Section[] {
  const [head = '', ...bodies] = sdp.split(/^m=/m, 65)
  const session = attributesOf(head)
  return bodies.map(body => {
    const own = attributesOf(body)
    return {
      media: (body.split('\n', 1)[0] ?? '').trimEnd(),
      mid: own.mid,
      ufrag: own.ufrag ?? session.ufrag,
      pwd: own.pwd ?? session.pwd,
    }
  })
}

function attributesOf(text: string): { mid?: string; ufrag?: string; pwd?: string } {
  const attribute = (name: string): string | undefined =>
    new RegExp(`^a=${name}:([^\\r\\n ]{1,256})`, 'm').exec(text)?.[1]
  const mid = attribute('mid')
  const ufrag = attribute('ice-ufrag')
  const pwd = attribute('ice-pwd')
  return {
    ...(mid === undefined ? {} : { mid }),
    ...(ufrag === undefined ? {} : { ufrag }),
    ...(pwd === undefined ? {} : { pwd }),
  }
}
