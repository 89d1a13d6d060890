/** A capture from the command line into a call's trace. */
import { createReadStream, type Stats, statSync } from 'node:fs'
import { basename } from 'node:path'
import type { ImportedCapture } from '../admin/message.ts'
import { apiUpload, orSay } from './api.ts'
import { type Command, CommandError, UsageError } from './command.ts'
import { listHint, verdictLines } from './trace.ts'
import { unreadable } from './unreadable.ts'

/** As much as the daemon takes. */
const maxBytes = 200_000_000
const progressAfterMilliseconds = 2_000
const progressEveryMilliseconds = 1_000

const places = ['client', 'switch', 'elsewhere'] as const

export const traceImport: Command = {
  name: 'trace import',
  usage: '<call> <file> [--taken-at client|switch|elsewhere]',
  about: 'takes a capture (pcap, pcapng) of a call in and says what it proves',
  words: [2, 2],
  options: { 'taken-at': { type: 'string' } },
  help: [
    ['<call>', 'its id, as `lanline call list` shows it'],
    ['client', 'taken at the computer of one of the two'],
    ['switch', 'taken at a switch, bridge or access point between them'],
    ['elsewhere', 'anywhere else; this if nothing is said'],
  ],
  run: async call => {
    const [id, file] = call.words as [string, string]
    const takenAt = String(call.options['taken-at'] ?? 'elsewhere')
    if (!places.some(place => place === takenAt)) {
      throw new UsageError(`--taken-at ${takenAt} is none of ${places.join(', ')}`)
    }
    const { size } = statOf(file)
    if (size > maxBytes) {
      throw new CommandError(
        `${file} has ${megabytes(size)}, more than the ${megabytes(maxBytes)} that are taken; take the call’s time out of it first: editcap -A <from> -B <to> ${file} part.pcapng`,
      )
    }
    const query = new URLSearchParams({ name: basename(file), takenAt })
    const to = `/calls/${encodeURIComponent(id)}/capture?${query}`
    const uploaded = apiUpload<ImportedCapture>(call.config, to, reading(file, size, progress(size)))
    const told = await orSay(uploaded, listHint)
    call.print(told, () => importLines(told).join('\n'))
  },
}

export function importLines(told: ImportedCapture): string[] {
  const { kind, file, facts, encrypted, verdict } = told
  const sum = facts.flows.reduce((all, { packets }) => all + packets, 0)
  const unread = Object.entries(file.counts).filter(([, count]) => count > 0)
  const outcome = {
    added: `${facts.name}: ${sum} of ${file.frames} packets belong to this call (event ${told.event} of its trace)`,
    known: `${facts.name}: this very file was imported before (event ${told.event}); nothing was changed`,
    nothing: `${facts.name}: nothing in its ${file.frames} packets belongs to this call; nothing was changed`,
  }[kind]
  return [
    outcome,
    ...(facts.stoppedBecause === undefined ? [] : [`  read in part: ${facts.stoppedBecause}`]),
    ...facts.flows.flatMap(flow => [
      `  ${flow.source} → ${flow.target}${flow.peer ? ` (for ${flow.peer})` : ''}  ${ways[flow.way]}, from the ${flow.sender === 'unknown' ? 'caller or the callee' : flow.sender}`,
      `      ${flow.checks} checks, ${flow.checkAnswers} answers, DTLS ${flow.dtls.join(' ') || 'none'}`,
      ...flow.rtp.map(
        ({ ssrc, packets }) => `      RTP 0x${ssrc.toString(16).padStart(8, '0')}  ${packets} packets`,
      ),
    ]),
    ...encrypted.map(
      ({ party, segments, bytes }) =>
        `  TLS between the ${party} and lanline: ${bytes} bytes in ${segments} segments that nobody can read`,
    ),
    ...(unread.length === 0
      ? []
      : [`  not read: ${unread.map(([what, count]) => `${count} ${what}`).join(', ')}`]),
    '',
    ...verdictLines(verdict),
  ]
}

const ways = {
  direct: 'direct',
  appliance: 'by way of lanline',
  turn: 'inside TURN',
  elsewhere: 'by an address that neither end names',
} as const

function statOf(file: string): Stats {
  let stats: Stats
  try {
    stats = statSync(file)
  } catch (error) {
    throw unreadable(file, error)
  }
  if (!stats.isFile()) throw new CommandError(`${file} is no file; give a pcap or pcapng file`)
  return stats
}

/** What a capture that is still running adds to the file meanwhile is left out. */
async function* reading(file: string, size: number, progress: Progress): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(file, { end: Math.max(0, size - 1) })) {
      yield chunk as Buffer
      progress.took((chunk as Buffer).length)
    }
  } catch (error) {
    throw error instanceof CommandError ? error : unreadable(file, error)
  } finally {
    progress.end()
  }
}

interface Progress {
  took(bytes: number): void
  end(): void
}

/** On stderr, once it takes longer than two seconds; in place on a terminal. */
function progress(total: number): Progress {
  const begin = performance.now()
  let [bytes, told] = [0, 0]
  const { isTTY } = process.stderr
  return {
    took: count => {
      bytes += count
      const now = performance.now()
      if (now - begin < progressAfterMilliseconds || now - told < progressEveryMilliseconds) return
      told = now
      const line = `${megabytes(bytes)} of ${megabytes(total)} read`
      process.stderr.write(isTTY ? `\r${line}` : `${line}\n`)
    },
    end: () => {
      if (told > 0 && isTTY) process.stderr.write('\n')
    },
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`
