/** Not to be disturbed: by hand, and by the clock. */
import { useState } from 'preact/hooks'
import type { Phone } from '../../../client/phone.ts'
import { daysOfWeek, hoursText, timeText, usualHours, zoneHere } from '../../../client/quiet-hours.ts'
import type { QuietHours, Weekday } from '../../../src/core/quiet-hours.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import { needsLine } from '../parts/needs-line.ts'
import { texts } from '../texts.ts'

const words = texts.quiet
const end = 'end'

export function DoNotDisturb({ phone }: { readonly phone: Phone }) {
  const [open, setOpen] = useState(false)
  const on = phone.doNotDisturb
  const { hours } = phone.quiet
  return (
    <section class="panel" aria-label={texts.doNotDisturb}>
      <button
        type="button"
        class="switch"
        role="switch"
        aria-checked={on}
        {...needsLine(phone.state === 'online', () => phone.setDoNotDisturb(!on))}
      >
        <Icon name="moon" />
        <span>
          <strong>{texts.doNotDisturb}</strong>
          <small>{whatHolds(phone)}</small>
        </span>
        <span class="thumb" aria-hidden="true" />
      </button>
      <button type="button" class="switch" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <Icon name="clock" />
        <span>
          <strong>{words.title}</strong>
          <small>{hours === null ? words.none : hoursText(hours)}</small>
        </span>
        <Icon name="next" />
      </button>
      {open && <QuietHoursDialog phone={phone} onClose={() => setOpen(false)} />}
    </section>
  )
}

function whatHolds({ doNotDisturb, quiet }: Phone): string {
  const { byHand, within, hours } = quiet
  if (hours === null || !within || byHand) return doNotDisturb ? texts.doNotDisturbOn : texts.doNotDisturbOff
  return (doNotDisturb ? words.until : words.letThrough)(timeText(hours.until))
}

function QuietHoursDialog({ phone, onClose }: { readonly phone: Phone; readonly onClose: () => void }) {
  const [before] = useState(phone.quiet.hours)
  const [hours, setHours] = useState<QuietHours>(before ?? usualHours())
  const [failure, setFailure] = useState('')
  const zone = zoneHere()
  const online = phone.state === 'online'
  // What is not prevented closes the dialog (HTML, method=dialog), which gives the focus back.
  const submit = (event: SubmitEvent) => {
    const isEnd = event.submitter?.getAttribute('value') === end
    if (!isEnd && hours.days.length === 0) setFailure(words.noDay)
    else if (online) return phone.setQuietHours(isEnd ? null : { ...hours, zone })
    event.preventDefault()
  }
  return (
    <Dialog title={words.title} onClose={onClose}>
      <p class="lead">{words.body}</p>
      <form class="quiet-hours" method="dialog" onSubmit={submit}>
        <div class="pair">
          <Time label={words.from} value={hours.from} set={from => setHours({ ...hours, from })} />
          <Time label={words.untilLabel} value={hours.until} set={until => setHours({ ...hours, until })} />
        </div>
        <Days days={hours.days} set={days => setHours({ ...hours, days })} />
        <p class="hint flush">
          {before === null || before.zone === zone ? words.zone(zone) : words.otherZone(before.zone, zone)}
        </p>
        <p class="form-notice" role="alert">
          {failure}
        </p>
        <div class="actions">
          <button type="submit" class="button primary" aria-disabled={!online}>
            {words.save}
          </button>
          {before !== null && (
            <button type="submit" class="button" value={end} formNoValidate aria-disabled={!online}>
              {words.end}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  )
}

function Time(props: {
  readonly label: string
  readonly value: string
  readonly set: (value: string) => void
}) {
  return (
    <label class="field">
      <span>{props.label}</span>
      <input
        type="time"
        required
        value={props.value}
        onInput={event => props.set(event.currentTarget.value)}
      />
    </label>
  )
}

function Days({
  days,
  set,
}: {
  readonly days: readonly Weekday[]
  readonly set: (days: readonly Weekday[]) => void
}) {
  return (
    <fieldset class="days">
      <legend>{words.days}</legend>
      {daysOfWeek.map(([day, short, long]) => (
        <label key={day}>
          <input
            type="checkbox"
            aria-label={long}
            checked={days.includes(day)}
            onChange={event =>
              set(event.currentTarget.checked ? [...days, day] : days.filter(one => one !== day))
            }
          />
          <span aria-hidden="true">{short}</span>
        </label>
      ))}
    </fieldset>
  )
}
