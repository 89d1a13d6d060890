/** The first visit: whoever has the link or the code becomes the owner. */
import { useState } from 'preact/hooks'
import type { SetupResponse } from '../../../src/admin/message.ts'
import { Api } from '../api.ts'
import { Field, Form } from '../parts.tsx'

/** Where the phone page looks for who this browser is. */
const enrolmentKey = 'lanline.enrolment'

export function Claim({ onClaimed }: { readonly onClaimed: () => Promise<void> }) {
  const [token] = useState(() => /^#claim=([\w-]+)$/.exec(location.hash)?.[1] ?? '')
  const claim = async (values: Readonly<Record<string, string>>) => {
    const code = token || values.code
    const { place, displayName, password } = values
    const answer = await new Api().post<SetupResponse>('/setup', { code, place, displayName, password })
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
      <Form submit="Make it mine" onSubmit={claim}>
        {token === '' && (
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
      </Form>
    </main>
  )
}
