/** Traces on the command line: shown, written to a file, and verified with nothing but the file. */
import { createWriteStream, readFileSync, statSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Config } from '../config.ts'
import { type SignedTrace, verifyTrace } from '../trace/document.ts'
import { ladderOf, ladderText } from '../trace/ladder.ts'
import type { Verdict } from '../trace/message.ts'
import { isPage, type PageVerification, verifyPage } from '../trace/signed-page.ts'
import { api, apiDownload, orSay } from './api.ts'
import { type Command, CommandError, type Invocation, UsageError } from './command.ts'
import { unreadable } from './unreadable.ts'

const maxFileBytes = 100_000_000

const formats = ['json', 'html', 'pcapng', 'pcap', 'rtcstats'] as const
type Format = (typeof formats)[number]
const isFormat = (word: string): word is Format => (formats as readonly string[]).includes(word)

export const traceExport: Command = {
  name: 'trace export',
  usage: `<call> [--format ${formats.join('|')}] [--output FILE]`,
  about: 'writes the trace of a call: signed as JSON or as a page, as a capture file, or as an RTCStats dump',
  words: [1, 1],
  options: { format: { type: 'string' }, output: { type: 'string' } },
  help: [
    ['<call>', 'its id, as `lanline call list` shows it'],
    ['json', 'everything, signed: for trace show, trace verify and programs; this if no format is given'],
    ['html', 'one page to read and print, signed'],
    ['pcapng, pcap', 'its messages as packets: for Wireshark, for sngrep'],
    ['rtcstats', 'what both clients reported, as an RTCStats dump'],
    ['--output', 'the file to write; without it, to stdout'],
  ],
  run: async call => {
    const format = String(call.options.format ?? 'json')
    if (!isFormat(format)) throw new UsageError(`--format ${format} is none of ${formats.join(', ')}`)
    const { output } = call.options
    if (format.startsWith('pcap') && output === undefined && process.stdout.isTTY) {
      throw new CommandError('a capture file is nothing for a terminal; give --output FILE')
    }
    const name = call.words[0]!
    if (output === undefined) {
      return await toStdout(await orSay(apiDownload(call.config, path(name, format)), listHint))
    }
    const bytes = await exportTrace(call.config, name, format, String(output))
    call.print({ file: output, bytes }, () => `${output}: ${bytes} bytes`)
  },
}

/** Resolves with the bytes written. */
export const exportTrace = async (
  config: Config,
  call: string,
  format: Format,
  file: string,
): Promise<number> => write(file, await orSay(apiDownload(config, path(call, format)), listHint))

export const listHint = 'those that are kept: lanline call list'

export const traceVerify: Command = {
  name: 'trace verify',
  usage: '<file> [--key FINGERPRINT]',
  about: 'says whether a trace is as the appliance signed it; needs no running lanline',
  words: [1, 1],
  options: { key: { type: 'string' } },
  help: [
    ['<file>', 'what trace export wrote as json or html'],
    [
      '--key',
      'the fingerprint that `lanline trace key` says on the appliance; without it, the key in the file counts',
    ],
  ],
  run: async call => {
    const wanted = call.options.key === undefined ? undefined : String(call.options.key)
    const file = readTrace(call.words[0]!)
    if (isPage(file)) return tellPage(call, verifyPage(file, wanted), wanted !== undefined)
    const result = verifyTrace(file, wanted)
    if (result.kind === 'wrong') throw new CommandError(`${call.words[0]} is not genuine: ${result.why}`)
    const { trace, fingerprint } = result
    const known = wanted !== undefined
    const { verdict } = trace
    call.print({ genuine: true, fingerprint, keyGiven: known, call: trace.call.id, verdict }, () =>
      [
        `genuine: signed by ${trace.madeBy.appliance} (lanline ${trace.madeBy.version}) and unchanged since`,
        ...keyLines(fingerprint, known),
        `call     ${trace.call.id}, ${trace.events.length} events`,
        ...verdictLines(verdict),
      ].join('\n'),
    )
  },
}

const keyLines = (fingerprint: string, known: boolean): string[] => [
  `key      ${fingerprint}`,
  ...(known ? [] : ['         as the file says; compare it with: lanline trace key, on the appliance']),
]

function tellPage(call: Invocation, result: PageVerification, known: boolean): void {
  if (result.kind === 'wrong') throw new CommandError(`${call.words[0]} is not genuine: ${result.why}`)
  const { fingerprint } = result
  call.print({ genuine: true, fingerprint, keyGiven: known, call: result.call }, () =>
    [
      'genuine: a page signed by lanline and unchanged since',
      ...keyLines(fingerprint, known),
      `call     ${result.call}`,
    ].join('\n'),
  )
}

export const traceKey: Command = {
  name: 'trace key',
  usage: '',
  about: 'shows the public key that this appliance signs traces with',
  run: async call => {
    const key = await api<{ publicKey: string; fingerprint: string }>(call.config, 'GET', '/trace-key')
    call.print(key, () => `fingerprint ${key.fingerprint}\nEd25519     ${key.publicKey}`)
  },
}

const path = (call: string, format: Format): string => `/calls/${encodeURIComponent(call)}/trace.${format}`

export const fetchTrace = (config: Config, call: string): Promise<SignedTrace> =>
  api<SignedTrace>(config, 'GET', path(call, 'json'))

/** Ladder, verdict and evidence. */
export function traceLines(trace: SignedTrace): string[] {
  const { mos } = trace.summary
  const heard = (['caller', 'callee'] as const).flatMap(role => {
    const estimate = mos[role]
    return estimate === undefined ? [] : [`the ${role} hears ${estimate.toFixed(1)}`]
  })
  const ladder =
    trace.events.length === 0
      ? ['the events of this call are no longer kept']
      : ladderText(ladderOf(trace.events))
  const quality = heard.length === 0 ? [] : [`sound (MOS, estimated by G.107): ${heard.join(', ')}`]
  return [...ladder, '', ...verdictLines(trace.verdict), ...quality]
}

const marks = { holds: '✓', fails: '✗', missing: '–' } as const

export function verdictLines(verdict: Verdict): string[] {
  const why = verdict.whyNotDirect
  return [
    `verdict  ${verdict.sentence}`,
    ...verdict.checked.flatMap(({ outcome, question, figures }) => [
      `  ${marks[outcome]} ${question}`,
      // One line for each party: together they are longer than a terminal is wide.
      ...figures.split('; ').map(part => `      ${part}`),
    ]),
    ...verdict.contradictions.flatMap(({ about, one, other }) => [
      `  ! ${about}`,
      `      ${one}`,
      `      ${other}`,
    ]),
    ...(why ? [`  why not direct: ${why.sentence}`, `  to change it: ${why.fix}`] : []),
    ...(verdict.missing.length > 0 ? [`  to know more: ${verdict.missing.join('; ')}`] : []),
  ]
}

export function readTrace(file: string): Uint8Array {
  try {
    if (statSync(file).size > maxFileBytes) throw new CommandError(`${file} is larger than any trace`)
    return readFileSync(file)
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw unreadable(file, error)
  }
}

async function write(file: string, content: AsyncIterable<Uint8Array>): Promise<number> {
  const out = createWriteStream(file, { mode: 0o600 })
  try {
    await pipeline(content, out)
  } catch (error) {
    throw new CommandError(`${file} cannot be written: ${(error as Error).message}`)
  }
  return out.bytesWritten
}

/** Whoever reads may stop before all is written, as `head` does. */
export async function toStdout(content: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await pipeline(content, process.stdout, { end: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  }
}
