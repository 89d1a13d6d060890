/** What a subcommand is, and what it gets. */
import type { ParseArgsOptionsConfig } from 'node:util'
import type { Config } from '../config.ts'

export interface Command {
  /** One or two words: `serve`, `user add`. */
  readonly name: string
  /** What follows the name, as in `<name> [--password-stdin]`. */
  readonly usage: string
  readonly about: string
  /** A line of help for each word or option that does not speak for itself. */
  readonly help?: readonly (readonly [word: string, what: string])[] | undefined
  readonly options?: ParseArgsOptionsConfig | undefined
  /** How many words must and may follow the name. */
  readonly words?: readonly [least: number, most: number] | undefined
  run(call: Invocation): Promise<void>
}

export interface Invocation {
  readonly words: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | undefined>>
  readonly config: Config
  readonly configFile: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Prints `value` as JSON with `--json`, otherwise the text. */
  print(value: unknown, text: () => string): void
}

/** Refused or failed: one line for stderr that says why and what to do. Exit code 1. */
export class CommandError extends Error {}

/** Called wrongly: one line for stderr. Exit code 2. */
export class UsageError extends Error {}

/** Control characters but for the end of a line, and what turns text around. */
const commanding = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** What others wrote, in their names, phones and files, is letters on a terminal and commands it nothing. */
export const harmless = (text: string): string => text.replace(commanding, '·')

/** The same of JSON, which stays what it says. */
export const harmlessJson = (value: unknown): string =>
  JSON.stringify(value, undefined, 2).replace(
    commanding,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** Rows under headings, columns as wide as they need; an empty list says so. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  none: string,
): string {
  if (rows.length === 0) return none
  const all = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)))
  return all
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** A moment for people: local time to the second, `–` when it has not been. */
export function moment(epoch: number | undefined): string {
  if (epoch === undefined) return '–'
  const date = new Date(epoch)
  const two = (number: number): string => String(number).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}
