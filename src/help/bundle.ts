/**
 * What goes to somebody who is asked for help: everything that tells how the appliance is, and nothing that opens
 * anything. Whatever is put in, words that look like a secret come out as a mark. Pure.
 */

/** Sections by name; JSON. Log lines are JSON lines of their own. */
export interface BundleParts {
  readonly madeAt: number
  readonly sections: Readonly<Record<string, unknown>>
  readonly log: readonly string[]
}

const mark = '[redacted]'

export function bundleOf({ madeAt, sections, log }: BundleParts): string {
  const about =
    'Diagnostics of a lanline appliance. No passwords, tokens, keys, messages or media are in here; names of people, devices and addresses of the local network are.'
  return `${JSON.stringify(cleaned({ about, madeAt, ...sections, log: log.map(parsed) }), undefined, 2)}\n`
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return line
  }
}

/** Members that hold a secret wherever they are, by name. */
const secretNames =
  /pass(word|phrase|wd)?$|secret|token|credential|authori[sz]ation|cookie|[a-z]key$|ha1|nonce|^pwd$|hash$|setupCode|^code$/i
/** Numbers and yes or no under such a name (a SIP status, "is set") open nothing. */
const cleaned = (value: unknown, name = ''): unknown => {
  if (typeof value === 'string') return secretNames.test(name) ? mark : cleanText(value)
  if (Array.isArray(value)) return value.map(one => cleaned(one, name))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, cleaned(one, key)]))
}

/** Of text: `name=value` of such names, fragments of links, and words as long and mixed as tokens are. */
export const cleanText = (text: string): string =>
  text
    .replace(
      /((?:password|passwd|secret|token|credential|nonce|response|ice-pwd|ha1)["']?\s*[:=]\s*["']?)[^\s"',;&]+/gi,
      `$1${mark}`,
    )
    .replace(/\b(Bearer|Basic|Digest)\s+\S+/g, `$1 ${mark}`)
    .replace(/#[A-Za-z0-9_=-]{8,}/g, `#${mark}`)
    .replace(/[A-Za-z0-9_-]{20,}={0,2}/g, word => (isHarmless(word) ? word : mark))

/** Ids of calls and devices are hexadecimal or words; tokens mix cases and digits. */
const isHarmless = (word: string): boolean =>
  /^[0-9a-f]{32}$/.test(word) || !(/[a-z]/.test(word) && /[A-Z]/.test(word) && /[0-9]/.test(word))
