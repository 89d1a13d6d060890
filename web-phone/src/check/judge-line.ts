/** What is said of the line to the appliance and of its clock. Pure. */
import type { Facts, Finding, LineFacts } from './facts.ts'
import { failed, milliseconds, ok, unchecked, warning } from './finding.ts'

/** On a network of one's own it is far below. */
const slowLineMilliseconds = 200
const clockAgreesMilliseconds = 2_000
const clockWrongMilliseconds = 60_000

export function line(facts: LineFacts, appliance: Facts['appliance']): Finding {
  const id = 'line'
  if (facts.state === 'none') return unchecked(id, 'This browser has no line yet: it has not joined.')
  if (facts.state === 'away') {
    if (facts.broke || typeof appliance !== 'object') {
      return failed(
        id,
        facts.broke
          ? 'The line to lanline broke while this check ran, and has not come back.'
          : 'lanline does not answer.',
        'See that this device is on the house’s Wi-Fi and the appliance has power. The page reconnects by itself.',
      )
    }
    return failed(
      id,
      'lanline answers, but the line to it does not open.',
      'A filter or security program may stop WebSockets: allow them for this page.',
    )
  }
  if (facts.broke) {
    return warning(
      id,
      'The line to lanline broke while this check ran, and came back.',
      'If that happens often, the Wi-Fi is weak here or the appliance restarts.',
    )
  }
  const middle = median(facts.roundTripsMilliseconds)
  if (middle === undefined)
    return unchecked(id, 'The line to lanline is open; how quick it is was not measured.')
  if (middle > slowLineMilliseconds) {
    return warning(
      id,
      `The line to lanline is open but slow: ${milliseconds(middle)} there and back.`,
      'Move closer to the Wi-Fi, or see what else keeps it busy.',
    )
  }
  return ok(id, `The line to lanline is open: ${milliseconds(middle)} there and back.`)
}

export function clock(ahead: number | 'unknown'): Finding {
  if (ahead === 'unknown') return unchecked('clock', 'lanline did not tell the time.')
  const apart = Math.abs(ahead)
  if (apart <= clockAgreesMilliseconds) return ok('clock', 'The clocks of this device and of lanline agree.')
  if (apart <= clockWrongMilliseconds)
    return ok(
      'clock',
      `The clocks of this device and of lanline are ${duration(apart)} apart, which does no harm.`,
    )
  return warning(
    'clock',
    `This device’s clock is ${duration(apart)} ${ahead > 0 ? 'ahead of' : 'behind'} lanline’s.`,
    'Let this device set its clock by itself. If it is right, the appliance’s is wrong: tell the owner.',
  )
}

export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((one, other) => one - other)
  const at = sorted.length >> 1
  if (sorted.length === 0) return undefined
  return sorted.length % 2 === 1 ? sorted[at] : (sorted[at - 1]! + sorted[at]!) / 2
}

function duration(value: number): string {
  const units = [
    [86_400_000, 'day'],
    [3_600_000, 'hour'],
    [60_000, 'minute'],
    [1_000, 'second'],
  ] as const
  const [size, name] = units.find(([unit]) => value >= unit) ?? units[3]
  const count = Math.round(value / size)
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
