/** Traces on the command line: shown, written to a file, and verified with nothing but the file. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import type { Config } from '../config.ts'
import { type CaptureFormat, captureFile } from '../trace/capture-file.ts'
import { type SignedTrace, verifyTrace } from '../trace/document.ts'
import { ladderOf, ladderText } from '../trace/ladder.ts'
import type { Verdict } from '../trace/message.ts'
import { api, apiText } from './api.ts'
import { type Command, CommandError, UsageError } from './command.ts'

const maxFileBytes = 100_000_000

export const traceExport: Command = {
  name: 'trace export',
  usage: '<call> [--format json|pcapng|pcap] [--output FILE]',
  about: 'writes the signed trace of a call as JSON, or its messages as a capture file',
  words: [1, 1],
  options: { format: { type: 'string' }, output: { type: 'string' } },
  run: async call => {
    const format = String(call.options.format ?? 'json')
    if (!isFormat(format)) throw new UsageError(`--format ${format} is none of ${formats.join(', ')}`)
    const { output } = call.options
    if (format !== 'json' && output === undefined && process.stdout.isTTY) {
      throw new CommandError('a capture file is nothing for a terminal; give --output FILE')
    }
    const text = await apiText(call.config, 'GET', path(call.words[0]!))
    const file = format === 'json' ? Buffer.from(text) : captureFile(JSON.parse(text) as SignedTrace, format)
    if (output === undefined) process.stdout.write(file)
    else {
      write(String(output), file)
      call.print({ file: output, bytes: file.length }, () => `${output}: ${file.length} bytes`)
    }
  },
}

const formats = ['json', 'pcapng', 'pcap'] as const
const isFormat = (word: string): word is 'json' | CaptureFormat =>
  (formats as readonly string[]).includes(word)

export const traceVerify: Command = {
  name: 'trace verify',
  usage: '<file> [--key FINGERPRINT]',
  about: 'says whether a trace is as the appliance signed it; needs no running lanline',
  words: [1, 1],
  options: { key: { type: 'string' } },
  run: async call => {
    const wanted = call.options.key === undefined ? undefined : String(call.options.key)
    const result = verifyTrace(read(call.words[0]!), wanted)
    if (result.kind === 'wrong') throw new CommandError(`${call.words[0]} is not genuine: ${result.why}`)
    const { trace, fingerprint } = result
    const known = wanted !== undefined
    const { verdict } = trace
    call.print({ genuine: true, fingerprint, keyGiven: known, call: trace.call.id, verdict }, () =>
      [
        `genuine: signed by ${trace.madeBy.appliance} (lanline ${trace.madeBy.version}) and unchanged since`,
        `key      ${fingerprint}`,
        ...(known ? [] : ['         as the file says; compare it with: lanline trace key, on the appliance']),
        `call     ${trace.call.id}, ${trace.events.length} events`,
        ...verdictLines(verdict),
      ].join('\n'),
    )
  },
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

const path = (call: string): string => `/calls/${encodeURIComponent(call)}/trace.json`

export const fetchTrace = (config: Config, call: string): Promise<SignedTrace> =>
  api<SignedTrace>(config, 'GET', path(call))

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
      `      ${figures}`,
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

function read(file: string): Uint8Array {
  try {
    if (statSync(file).size > maxFileBytes) throw new CommandError(`${file} is larger than any trace`)
    return readFileSync(file)
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}`)
  }
}

function write(file: string, bytes: Uint8Array): void {
  try {
    writeFileSync(file, bytes, { mode: 0o600 })
  } catch (error) {
    throw new CommandError(`${file} cannot be written: ${(error as Error).message}`)
  }
}
