/**
 * `lanline-setup.txt`: what somebody who flashes a card may decide beforehand, since a headless box shows no code. One
 * `key = value` a line, `#` begins a comment. It counts while nobody owns the appliance. Pure but for reading the file.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface SetupFile {
  /** `XXXX-XXXX`, in place of the one made at random. */
  readonly code: string | undefined
  /** In place of `enrol.claim_minutes`. */
  readonly claimMinutes: number | undefined
  /** Lines that mean nothing, for the log: what is wrong and what is allowed. */
  readonly complaints: readonly string[]
}

export const setupFileName = 'lanline-setup.txt'
/** The partition of a Raspberry Pi's card that other computers can write, then the data directory. */
const directories = (dataDirectory: string): string[] => ['/boot/firmware', dataDirectory]
/** A text this long is not ours. */
const longestCharacters = 10_000

export function readSetupFile(dataDirectory: string): SetupFile {
  for (const directory of directories(dataDirectory)) {
    try {
      return parseSetupFile(readFileSync(join(directory, setupFileName), 'utf8'))
    } catch {
      // Most have none.
    }
  }
  return parseSetupFile('')
}

export function parseSetupFile(text: string): SetupFile {
  let code: string | undefined
  let claimMinutes: number | undefined
  const complaints: string[] = []
  for (const [index, raw] of text.slice(0, longestCharacters).split(/\r?\n/).entries()) {
    const line = raw
      .replace(/^\ufeff/, '')
      .replace(/#.*/, '')
      .trim()
    if (line === '') continue
    const [key, value] = line.split('=', 2).map(part => part.trim())
    if (key === 'setup_code' && /^[0-9A-Za-z]{4}-?[0-9A-Za-z]{4}$/.test(value ?? '')) {
      code = value!
        .replace('-', '')
        .replace(/^(.{4})/, '$1-')
        .toUpperCase()
    } else if (key === 'claim_minutes' && /^[0-9]{1,2}$/.test(value ?? '') && Number(value) <= 60) {
      claimMinutes = Number(value)
    } else {
      // The line itself may hold a code: it is not repeated.
      complaints.push(
        `line ${index + 1}: allowed are setup_code = XXXX-XXXX (letters and digits) and claim_minutes = 0 to 60`,
      )
    }
  }
  return { code, claimMinutes, complaints }
}
