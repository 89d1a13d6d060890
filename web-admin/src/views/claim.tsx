/** The first visit: whoever has the link or the code becomes the owner. */
import { useState } from 'preact/hooks'
import type { SetupResponse, SetupState } from '../../../src/admin/message.ts'
import { Api, ApiError } from '../api.ts'
import { Field, Form } from '../parts.tsx'

/** Where the phone page looks for who this browser is. */
const enrolmentKey = 'lanline.enrolment'

export function Claim({
  setup,
  onClaimed,
}: {
  readonly setup: SetupState
  readonly onClaimed: () => Promise<void>
}) {
  // The time may run out while this is filled in; then the answer says so.
  const [open, setOpen] = useState(setup.openSeconds > 0)
  const [token] = useState(() => /^#claim=([\w-]+)$/.exec(location.hash)?.[1] ?? '')
  const claim = async (values: Readonly<Record<string, string>>) => {
    const code = token || values.code || undefined
    const { place, displayName, password } = values
    const showNames = values.showNames === 'on'
    const answer = await new Api()
      .post<SetupResponse>('/setup', {
        ...(code && { code }),
        place,
        displayName,
        password,
        showNames,
      })
      .catch(error => {
        if (error instanceof ApiError && error.code === 'codeNeeded') setOpen(false)
        throw error
      })
    if (localStorage.getItem(enrolmentKey) === null) {
      localStorage.setItem(enrolmentKey, JSON.stringify(answer.enrolment))
    }
    history.replaceState(null, '', location.pathname)
    await onClaimed()
  }
  return (
    <main class="narrow">
      <h1>Welcome to lanline</h1>
      <p>This appliance belongs to nobody yet. Whoever fills this in becomes its owner.</p>
      {token === '' && open && (
        <p class="quiet">
          It was started just now, so no code is needed from this network. Later the setup code is asked for.
        </p>
      )}
      <Form submit="Make it mine" onSubmit={claim}>
        {token === '' && !open && (
          <Field
            label="Setup code"
            name="code"
            required
            maxLength={16}
            hint="XXXX-XXXX, as printed where lanline was started."
          />
        )}
        <Field
          label="What is this place called?"
          name="place"
          value={setup.place}
          required
          maxLength={64}
          hint="For example: Mill Lane 4"
        />
        <Field
          label="Your name"
          name="displayName"
          required
          maxLength={64}
          autocomplete="name"
          hint="As others see it when you call."
        />
        <Field
          label="Password for this console"
          name="password"
          type="password"
          required
          minLength={10}
          maxLength={256}
          autocomplete="new-password"
          hint="At least 10 characters."
        />
        <p class="field check">
          <label>
            <input type="checkbox" name="showNames" defaultChecked /> Show names on the network
          </label>
          <small class="hint">
            Other phones and programs here then find people by themselves. It can be changed later.
          </small>
        </p>
      </Form>
    </main>
  )
}
