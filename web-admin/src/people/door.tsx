/** The keys that open a door station, for the phone pages of who talks with it. */
import type { User } from '../../../src/admin/message.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form } from '../parts/form.tsx'
import { toast } from '../parts/toast.tsx'
import { common } from '../texts/common.ts'
import { people } from '../texts/people.ts'

export function DoorDialog(props: {
  readonly user: User
  readonly change: (body: object) => Promise<void>
  readonly close: () => void
}) {
  const { user, change, close } = props
  const { displayName: name, doorKeys: before } = user
  return (
    <Dialog title={people.doorTitle(name)} onClose={close}>
      <p>{people.doorBody}</p>
      <Form
        submit={common.save}
        onCancel={close}
        onSubmit={async ({ doorKeys = '' }) => {
          await change({ doorKeys })
          close()
          toast(people.doorSaved(name), () => change({ doorKeys: before }))
        }}
      >
        <Field
          label={people.doorKeys}
          name="doorKeys"
          value={before}
          pattern="[0-9*#]{0,16}"
          maxLength={16}
          hint={people.doorRule}
        />
      </Form>
    </Dialog>
  )
}
