/** What the parts of a call's screen are given. */
import type { Call } from '../../../client/call.ts'
import type { Phone } from '../../../client/phone.ts'
import type { Line } from '../line.ts'

export interface Shown {
  readonly call: Call
  readonly phone: Phone
  readonly line: Line
}

/** What opens over a call. */
export type Sheet = 'facts' | 'devices' | 'door' | 'keypad' | 'transfer'

export interface CallPart extends Shown {
  open(sheet: Sheet): void
}
