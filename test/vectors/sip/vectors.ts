/**
 * The example messages of RFC 3261 §24 and the torture messages of RFC 4475, and what those RFCs say of each. A file
 * holds one message in the notation of RFC 4475 §2: a line ends where the file's line ends (CRLF on the wire), lines
 * between `<allOneLine>` tags are one, `<hex>` and `<repeat>` stand for bytes. The RFCs leave some bodies out (RFC
 * 3261 §24.2) or hold a signature that means nothing here (`mpart01`): there, other bytes of the same length stand.
 */
import { readdirSync, readFileSync } from 'node:fs'

export type Expected =
  /** Readable. `answers`: what an element may answer to it; an anonymous sender may be challenged first. */
  | { readonly kind: 'ok'; readonly answers?: readonly number[] }
  /** Not readable: to be refused with this status. */
  | { readonly kind: 'reject'; readonly status: 400 | 505 }
  /** To be thrown away. */
  | { readonly kind: 'drop' }

export interface Vector {
  readonly name: string
  readonly section: string
  readonly about: string
  readonly expected: Expected
}

const valid: Expected = { kind: 'ok' }
const bad: Expected = { kind: 'reject', status: 400 }
const drop: Expected = { kind: 'drop' }
const answered = (...answers: number[]): Expected => ({ kind: 'ok', answers })

/** Where RFC 4475 lets an element be liberal or refuse, lanline refuses, so that no two readers differ. */
const torture: readonly (readonly [name: string, section: string, about: string, expected: Expected])[] = [
  ['wsinv', '3.1.1.1', 'white space and folding wherever the grammar has it', valid],
  ['intmeth', '3.1.1.2', 'the widest range of characters', valid],
  ['esc01', '3.1.1.3', 'escapes in URIs', valid],
  ['escnull', '3.1.1.4', 'escaped NULs in URIs', valid],
  ['esc02', '3.1.1.5', 'percent signs that escape nothing', answered(405, 501)],
  ['lwsdisp', '3.1.1.6', 'no space between display name and <', valid],
  ['longreq', '3.1.1.7', 'long values', valid],
  ['dblreq', '3.1.1.8', 'a second request behind the first in a datagram', valid],
  ['semiuri', '3.1.1.9', 'a semicolon in a user part', valid],
  ['transports', '3.1.1.10', 'transports of many kinds', valid],
  ['mpart01', '3.1.1.11', 'a multipart body with binary', valid],
  ['unreason', '3.1.1.12', 'an unusual reason phrase', valid],
  ['noreason', '3.1.1.13', 'an empty reason phrase', valid],
  ['badinv01', '3.1.2.1', 'extraneous separators', bad],
  ['clerr', '3.1.2.2', 'Content-Length larger than the datagram', bad],
  ['ncl', '3.1.2.3', 'a negative Content-Length', bad],
  ['scalar02', '3.1.2.4', 'numbers out of range in a request', bad],
  ['scalarlg', '3.1.2.5', 'numbers out of range in a response', drop],
  ['quotbal', '3.1.2.6', 'a quoted string without end', bad],
  ['ltgtruri', '3.1.2.7', '<> around the Request-URI', bad],
  ['lwsruri', '3.1.2.8', 'white space in the Request-URI', bad],
  ['lwsstart', '3.1.2.9', 'more than one space in the start line', bad],
  ['trws', '3.1.2.10', 'spaces behind the start line', bad],
  ['escruri', '3.1.2.11', 'escaped headers in the Request-URI', bad],
  ['baddate', '3.1.2.12', 'a Date of another zone, which a proxy need not read', valid],
  ['regbadct', '3.1.2.13', 'a Contact with ? and no <>', answered(400)],
  ['badaspec', '3.1.2.14', 'spaces inside <>', bad],
  ['baddn', '3.1.2.15', 'a comma in an unquoted display name', bad],
  ['badvers', '3.1.2.16', 'an unknown protocol version', { kind: 'reject', status: 505 }],
  ['mismatch01', '3.1.2.17', 'start line and CSeq name different methods', bad],
  ['mismatch02', '3.1.2.18', 'the same, with an unknown method', bad],
  ['bigcode', '3.1.2.19', 'a status code that overflows', drop],
  ['badbranch', '3.2.1', 'a branch of nothing but the magic cookie', valid],
  ['insuf', '3.3.1', 'no Call-ID, From or To', bad],
  ['unkscm', '3.3.2', 'a Request-URI of an unknown scheme', answered(416)],
  ['novelsc', '3.3.3', 'a Request-URI of a known scheme that is not SIP', answered(416)],
  ['unksm2', '3.3.4', 'unknown schemes in To, From and Contact', answered(400, 403, 404)],
  ['bext01', '3.3.5', 'Require and Proxy-Require of unknown options', answered(420)],
  ['invut', '3.3.6', 'an unknown body type, which a proxy passes on', valid],
  ['regaut01', '3.3.7', 'an unknown authorization scheme', answered(401)],
  ['multi01', '3.3.8', 'single-valued fields more than once', bad],
  ['mcl01', '3.3.9', 'two Content-Lengths', bad],
  ['bcast', '3.3.10', 'a response that would go to the broadcast address', valid],
  ['zeromf', '3.3.11', 'Max-Forwards 0', answered(200, 483)],
  ['cparam01', '3.3.12', 'an unknown Contact parameter', valid],
  ['cparam02', '3.3.13', 'an unknown URI parameter in a Contact', valid],
  ['regescrt', '3.3.14', 'an escaped Route in a Contact', valid],
  ['sdp01', '3.3.15', 'an Accept that leaves no answer, which a proxy passes on', valid],
  ['inv2543', '3.4.1', 'a request of RFC 2543', valid],
]

export const tortureVectors: readonly Vector[] = torture.map(([name, section, about, expected]) => ({
  name: `rfc4475/${name}`,
  section,
  about,
  expected,
}))

/** Every message of RFC 3261 §24 is valid. */
export const exampleVectors: readonly Vector[] = filesOf('rfc3261').map(name => ({
  name: `rfc3261/${name}`,
  section: name.startsWith('register') ? '24.1' : '24.2',
  about: name,
  expected: valid,
}))

/** The message as it is on the wire. */
export function vectorBytes(name: string): Buffer {
  return wireBytes(readFileSync(new URL(`./${name}.txt`, import.meta.url), 'utf8'))
}

function filesOf(folder: string): string[] {
  const names = readdirSync(new URL(`./${folder}/`, import.meta.url))
  return names.map(name => name.replace(/\.txt$/, '')).sort()
}

/** RFC 4475 §2: from the notation to bytes. Characters stand for bytes (latin1) until the end. */
function wireBytes(notation: string): Buffer {
  const text = Buffer.from(notation)
    .toString('latin1')
    .replace(/<allOneLine>\n(.*?)\n<\/allOneLine>/gs, (_, lines: string) => lines.replaceAll('\n', ''))
    .replace(/<repeat count=(\d+)>(.*?)<\/repeat>/g, (_, count: string, of: string) => of.repeat(Number(count)))
    // Bytes given in hexadecimal are not touched by the line ends below: they come last.
    .replaceAll('\n', '\r\n')
    .replace(/<hex>([0-9A-F\s]*)<\/hex>/g, (_, hex: string) =>
      Buffer.from(hex.replace(/\s/g, ''), 'hex').toString('latin1'),
    )
  return Buffer.from(text, 'latin1')
}
