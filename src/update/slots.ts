/**
 * Which root slot starts next. The state is a small text file on the data partition, which the first steps of the start
 * (`image-build/`) read and count in, and which an update and its confirmation replace. Without it slot `a` is good.
 */
import type { Booted, Slot, SlotState } from './message.ts'

/** So often a slot on trial is started before the good one is; the first steps of the start count. */
const triesAllowed = 2

const limitCharacters = 4_096

export const otherSlot = (slot: Slot): Slot => (slot === 'a' ? 'b' : 'a')

/** `key=value` a line; what is unknown is passed over, what is missing or wrong is as if it were not there. */
export function decodeState(text: string | undefined): SlotState {
  const values = valuesOf(text)
  const good = slotIn(values.get('good')) ?? 'a'
  const next = slotIn(values.get('next'))
  if (next === undefined || next === good) return { good, trial: undefined }
  const tries = /^\d$/.test(values.get('tries') ?? '') ? Number(values.get('tries')) : 0
  return { good, trial: { next, tries } }
}

export function encodeState({ good, trial }: SlotState): string {
  return `good=${good}\n${trial === undefined ? '' : `next=${trial.next}\ntries=${trial.tries}\n`}`
}

/** Undefined: this machine was not started from a slot. */
export function decodeBooted(text: string | undefined): Booted | undefined {
  const values = valuesOf(text)
  const slot = slotIn(values.get('slot'))
  if (slot === undefined) return undefined
  const boot = values.get('boot') ?? ''
  return { slot, trial: values.get('trial') === 'yes', boot: /^\d{1,6}$/.test(boot) ? Number(boot) : 1 }
}

/** After the other slot was written and read back. */
export const tryNext = (booted: Booted): SlotState => ({
  good: booted.slot,
  trial: { next: otherSlot(booted.slot), tries: 0 },
})

/** All is well: what runs is what starts from now on. */
export const confirmed = (booted: Booted): SlotState => ({ good: booted.slot, trial: undefined })

/** All is not well: the one before starts next. */
export const givenUp = (state: SlotState): SlotState => ({ good: state.good, trial: undefined })

/** What the first steps of the start make of a state: which slot they start, and what they leave behind. */
export function chosenAtStart(state: SlotState): { readonly slot: Slot; readonly left: SlotState } {
  const { good, trial } = state
  if (trial === undefined || trial.tries >= triesAllowed) {
    return { slot: good, left: givenUp(state) }
  }
  return { slot: trial.next, left: { good, trial: { next: trial.next, tries: trial.tries + 1 } } }
}

/** Partitions 2 and 3 of the disk whose fourth holds the data: `/dev/mmcblk0p4` → `/dev/mmcblk0p2`. */
export function slotDevice(dataDevice: string, slot: Slot): string | undefined {
  const match = /^(\/dev\/(?:[a-z]+|(?:mmcblk|nvme\d+n)\d+p))4$/.exec(dataDevice)
  return match === null ? undefined : `${match[1]}${slot === 'a' ? 2 : 3}`
}

/** The device that is mounted at `point`, of a table as in `/proc/self/mounts`. */
export function mountedAt(point: string, mounts: string): string | undefined {
  const lines = mounts.split('\n').map(line => line.split(' '))
  return lines.findLast(([, at]) => at === point)?.[0]
}

function valuesOf(text: string | undefined): Map<string, string> {
  const lines = (text ?? '').slice(0, limitCharacters).split('\n')
  return new Map(
    lines.flatMap((line): [string, string][] => {
      const match = /^([a-z]+)=(\S*)\s*$/.exec(line)
      return match === null ? [] : [[match[1]!, match[2]!]]
    }),
  )
}

const slotIn = (text: string | undefined): Slot | undefined =>
  text === 'a' || text === 'b' ? text : undefined
