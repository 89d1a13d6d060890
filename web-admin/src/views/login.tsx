import { Api } from '../api.ts'
import { Field, Form } from '../parts.tsx'

export function Login(props: { readonly place: string; readonly onLoggedIn: () => Promise<void> }) {
  const logIn = async (values: Readonly<Record<string, string>>) => {
    await new Api().post('/session', { user: values.user, password: values.password })
    await props.onLoggedIn()
  }
  return (
    <main class="narrow">
      <h1>{props.place || 'lanline'}</h1>
      <Form submit="Log in" onSubmit={logIn}>
        <Field
          label="Name"
          name="user"
          required
          maxLength={64}
          autocomplete="username"
          hint="The short one, such as olivia."
        />
        <Field
          label="Password"
          name="password"
          type="password"
          required
          maxLength={256}
          autocomplete="current-password"
        />
      </Form>
      <p>
        <a href="/">To the phone</a>
      </p>
    </main>
  )
}
