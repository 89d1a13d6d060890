/**
 * `lanline-setup.txt`: what somebody who flashes a card may decide beforehand, since a headless box shows no code. One
 * `key = value` a line, `#` begins a comment. It counts while nobody owns the appliance. Pure but for reading the file.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hostLabel, placeName } from './schemas.ts'

export interface SetupFile {
  /** `XXXX-XXXX`, in place of the one made at random. */
  readonly code: string | undefined
  /** In place of `enrol.claim_minutes`. */
  readonly claimMinutes: number | undefined
  /** What the claim proposes, and the network is told, as the name of this place. */
  readonly place: string | undefined
  /** In place of `net.hostname`, without `.local`. */
  readonly hostname: string | undefined
  /** Lines that mean nothing, for the log: what is wrong and what is allowed. */
  readonly complaints: readonly string[]
}

const setupFileName = 'lanline-setup.txt'
/** The partition of a Raspberry Pi's card that other computers can write. */
export const bootDirectory = '/boot/firmware'
/** A text this long is not ours. */
const longestCharacters = 10_000
const allowed =
  'allowed are setup_code = XXXX-XXXX (letters and digits), claim_minutes = 0 to 60, place = up to 64 characters, hostname = one name of letters, digits and -'

export function readSetupFile(dataDirectory: string): SetupFile {
  for (const directory of [bootDirectory, dataDirectory]) {
    try {
      return parseSetupFile(readFileSync(join(directory, setupFileName), 'utf8'))
    } catch {
      // Most have none.
    }
  }
  return parseSetupFile('')
}

export function parseSetupFile(text: string): SetupFile {
  const found: { -readonly [Key in keyof Omit<SetupFile, 'complaints'>]: SetupFile[Key] } = {
    ...{ code: undefined, claimMinutes: undefined, place: undefined, hostname: undefined },
  }
  const complaints: string[] = []
  for (const [index, raw] of text.slice(0, longestCharacters).split(/\r?\n/).entries()) {
    const line = raw
      .replace(/^\ufeff/, '')
      .replace(/(^|\s)#.*/, '')
      .trim()
    if (line === '') continue
    const equals = line.indexOf('=')
    const understood = equals > 0 && take(line.slice(0, equals).trim(), line.slice(equals + 1).trim(), found)
    // The line itself may hold a code: it is not repeated.
    if (!understood) complaints.push(`line ${index + 1}: ${allowed}`)
  }
  return { ...found, complaints }
}

/** Whether the line means something. */
function take(
  key: string,
  value: string,
  found: { -readonly [Key in keyof Omit<SetupFile, 'complaints'>]: SetupFile[Key] },
): boolean {
  switch (key) {
    case 'setup_code':
      if (!/^[0-9A-Za-z]{4}-?[0-9A-Za-z]{4}$/.test(value)) return false
      found.code = value
        .replace('-', '')
        .replace(/^(.{4})/, '$1-')
        .toUpperCase()
      return true
    case 'claim_minutes':
      if (!/^[0-9]{1,2}$/.test(value) || Number(value) > 60) return false
      found.claimMinutes = Number(value)
      return true
    case 'place': {
      const { data } = placeName.safeParse(value)
      if (data !== undefined) found.place = data
      return data !== undefined
    }
    case 'hostname': {
      const { data } = hostLabel.safeParse(value.replace(/\.local\.?$/i, ''))
      if (data !== undefined) found.hostname = data
      return data !== undefined
    }
    default:
      return false
  }
}
