/** Who is logged in, and how one's own password is changed. */
import type { ConsoleSession, User } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { useLive } from '../live.ts'
import { useLoaded } from '../load.ts'
import { Avatar } from '../parts/avatar.tsx'
import { Card } from '../parts/card.tsx'
import { Field, Form } from '../parts/form.tsx'
import { Await } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { attempt, toast } from '../parts/toast.tsx'
import { hrefTo } from '../router.ts'
import { people } from '../texts/people.ts'
import { settings } from '../texts/settings.ts'

export function OwnPassword() {
  const { api } = useConsole()
  return (
    <Card title={settings.password} name="password">
      <Form
        submit={settings.changePassword}
        label={settings.password}
        onSubmit={async values => {
          await api.post('/password', { current: values.current, password: values.password })
          toast(settings.passwordChanged)
        }}
      >
        <Field
          label={settings.oldPassword}
          name="current"
          type="password"
          required
          maxLength={256}
          autocomplete="current-password"
        />
        <Field
          label={settings.newPassword}
          name="password"
          type="password"
          required
          minLength={10}
          maxLength={256}
          autocomplete="new-password"
          hint={settings.newPasswordHint}
        />
      </Form>
    </Card>
  )
}

export function LoggedIn() {
  const { api, session, reload } = useConsole()
  const sessions = useLoaded(() => api.get<ConsoleSession[]>('/sessions'))
  const logOut = async () => {
    await api.delete('/session').catch(() => {})
    reload()
  }
  const signOut = (id: string) =>
    attempt(async () => {
      await api.delete(`/sessions/${id}`)
      await sessions.reload()
    }, settings.signedOut)
  return (
    <Card
      title={settings.sessions}
      name="sessions"
      count={sessions.value?.length}
      aside={
        <button type="button" class="button" onClick={() => void logOut()}>
          {settings.logOut}
        </button>
      }
    >
      <Await of={sessions} lines={2}>
        {list => (
          <ul class="rows">
            {list.map(({ id, user, address, userAgent, usedAt, current }) => (
              <li key={id}>
                <div class="row-main">
                  <strong>
                    {user} · {programOf(userAgent)}
                  </strong>
                  <span class="soft small">
                    {settings.from(address)} · {settings.used} <Time at={usedAt} relative />
                  </span>
                </div>
                {current ? (
                  <span class="badge good">{settings.thisOne}</span>
                ) : (
                  <button
                    type="button"
                    class="button quiet"
                    aria-label={settings.signOutOf(`${user}, ${programOf(userAgent)}, ${address}`)}
                    onClick={() => void signOut(id)}
                  >
                    {settings.signOut}
                  </button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Await>
      {session.role === 'owner' && <p class="soft small">{settings.sessionsHint}</p>}
    </Card>
  )
}

export function Owners() {
  const { live } = useConsole()
  const owners = (useLive(live).people ?? []).filter(({ role }: User) => role === 'owner')
  return (
    <Card title={settings.owners} name="owners" count={owners.length}>
      <ul class="rows">
        {owners.map(({ name, displayName }) => (
          <li key={name}>
            <Avatar name={displayName} />
            <div class="row-main">
              <strong>
                <a href={hrefTo('people', name)}>{displayName}</a>
              </strong>
              <span class="soft small">{name}</span>
            </div>
            <span class="badge">{people.owner}</span>
          </li>
        ))}
      </ul>
      <p class="soft small">
        {settings.ownersBody} <a href={hrefTo('people')}>{settings.ownersMore}</a>
      </p>
    </Card>
  )
}

/** `Chrome on Linux`, roughly: only to tell one's own browsers apart. */
function programOf(userAgent: string): string {
  const program = /Firefox|Edg|OPR|Chrome|Safari|curl/.exec(userAgent)?.[0] ?? userAgent.split('/')[0] ?? ''
  const system = /Android|iPhone|iPad|Windows|Mac OS X|Linux/.exec(userAgent)?.[0]
  return system === undefined ? program || '?' : `${program}, ${system}`
}
