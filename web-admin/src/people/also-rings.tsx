/** Who else rings when somebody is called: for a house, a department or a door, which is a person without devices. */
import type { User } from '../../../src/admin/message.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Form, Tick } from '../parts/form.tsx'
import { toast } from '../parts/toast.tsx'
import { common } from '../texts/common.ts'
import { people } from '../texts/people.ts'

/** Names of the ticks: no person's name holds a colon. */
const field = (name: string): string => `rings:${name}`

export function AlsoRingsDialog(props: {
  readonly user: User
  readonly users: readonly User[]
  readonly change: (body: object) => Promise<void>
  readonly close: () => void
}) {
  const { user, users, change, close } = props
  const others = users.filter(({ name }) => name !== user.name)
  return (
    <Dialog title={people.alsoRingsTitle(user.displayName)} onClose={close}>
      <p>{people.alsoRingsBody}</p>
      <Form
        submit={common.save}
        onCancel={close}
        onSubmit={async values => {
          const alsoRings = others.map(({ name }) => name).filter(name => values[field(name)] !== undefined)
          await change({ alsoRings })
          close()
          toast(people.alsoRingsSaved(user.displayName), () => change({ alsoRings: user.alsoRings }))
        }}
      >
        <fieldset class="ticks" aria-label={people.alsoRings}>
          {others.map(({ name, displayName }) => (
            <Tick key={name} name={field(name)} label={displayName} checked={user.alsoRings.includes(name)} />
          ))}
        </fieldset>
      </Form>
    </Dialog>
  )
}

/** Their names, as others see them. */
export const namesOf = (names: readonly string[], users: readonly User[]): string =>
  names.map(name => users.find(one => one.name === name)?.displayName ?? name).join(', ')
