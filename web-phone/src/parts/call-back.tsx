import type { nobody } from '../../../src/core/nobody.ts'
import type { Line } from '../line.ts'
import { texts } from '../texts.ts'
import { Icon } from './icon.tsx'
import { needsLine, noCallsId } from './needs-line.ts'

/** Who hid from a guest that they called. */
const hidden: (typeof nobody)['user'] = 'anonymous'

/** Calls whoever a row is about, without picture. */
export function CallBack({
  person,
  line,
  online,
}: {
  readonly person: { readonly user: string; readonly name: string }
  readonly line: Line
  readonly online: boolean
}) {
  if (person.user === hidden) return null
  const label = texts.callBack(person.name)
  return (
    <button
      type="button"
      class="round"
      aria-label={label}
      title={label}
      {...needsLine(online, () => line.place(person, false), noCallsId)}
    >
      <Icon name="phone" />
    </button>
  )
}
