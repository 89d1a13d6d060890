import { Api, ApiError } from '../api.ts'
import icon from '../icon.svg'
import { Field, Form } from '../parts/form.tsx'
import { common } from '../texts/common.ts'
import { login } from '../texts/login.ts'

export function Login(props: {
  readonly place: string
  /** The session ended while the console was open. */
  readonly wasOpen: boolean
  readonly onLoggedIn: () => Promise<void>
}) {
  const logIn = async (values: Readonly<Record<string, string>>, form: HTMLFormElement) => {
    try {
      await new Api().post('/session', { user: values.user, password: values.password })
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        // The next try begins where the last one went wrong.
        const password = form.elements.namedItem('password') as HTMLInputElement
        password.value = ''
        password.focus()
      }
      throw error
    }
    await props.onLoggedIn()
  }
  return (
    <main class="single">
      <div class="sheet-card">
        <p class="brand">
          <img src={icon} alt="" /> {common.product}
        </p>
        <h1>{login.title(props.place)}</h1>
        <p class="soft" role="status">
          {props.wasOpen ? common.loggedOut : login.lead}
        </p>
        <Form submit={login.submit} large onSubmit={logIn}>
          <Field
            label={login.name}
            name="user"
            required
            maxLength={64}
            autocomplete="username"
            hint={login.nameHint}
          />
          <Field
            label={login.password}
            name="password"
            type="password"
            required
            maxLength={256}
            autocomplete="current-password"
          />
        </Form>
        <details>
          <summary>{login.forgotten}</summary>
          <p class="soft small">{login.forgottenBody}</p>
        </details>
        <p>
          <a href="/">{login.toPhone}</a>
        </p>
      </div>
    </main>
  )
}
