/** When somebody is not to be disturbed by the clock. */
import { daysOfWeek, usualHours, zoneHere } from '../../../client/quiet-hours.ts'
import type { User } from '../../../src/admin/message.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form, Tick } from '../parts/form.tsx'
import { attempt, toast } from '../parts/toast.tsx'
import { common } from '../texts/common.ts'
import { people } from '../texts/people.ts'

export function QuietHoursDialog(props: {
  readonly user: User
  readonly change: (body: object) => Promise<void>
  readonly close: () => void
}) {
  const { user, change, close } = props
  const hours = user.quietHours ?? usualHours()
  const zone = zoneHere()
  return (
    <Dialog title={people.quietTitle(user.displayName)} onClose={close}>
      <p>{people.quietBody}</p>
      <Form
        submit={common.save}
        onCancel={close}
        onSubmit={async values => {
          const days = daysOfWeek.map(([day]) => day).filter(day => values[day] !== undefined)
          if (days.length === 0) throw new Error(people.quietNoDay)
          await change({ quietHours: { from: values.from, until: values.until, days, zone } })
          close()
          toast(people.quietSaved(user.displayName), () => change({ quietHours: user.quietHours ?? null }))
        }}
      >
        <div class="pair">
          <Field label={people.quietFrom} name="from" type="time" value={hours.from} required />
          <Field label={people.quietUntil} name="until" type="time" value={hours.until} required />
        </div>
        <fieldset class="ticks days">
          <legend>{people.quietDays}</legend>
          {daysOfWeek.map(([day, , name]) => (
            <Tick key={day} name={day} label={name} checked={hours.days.includes(day)} />
          ))}
        </fieldset>
        <p class="soft small">
          {hours.zone === zone ? people.quietZone(zone) : people.quietOtherZone(hours.zone, zone)}
        </p>
      </Form>
      {user.quietHours && (
        <div class="buttons">
          <button
            type="button"
            class="button quiet"
            onClick={() =>
              void attempt(async () => {
                await change({ quietHours: null })
                close()
                toast(people.quietEnded(user.displayName), () => change({ quietHours: user.quietHours }))
              })
            }
          >
            {people.quietEnd}
          </button>
        </div>
      )}
    </Dialog>
  )
}
