/** Everybody, and how to let somebody in. */
import { useState } from 'preact/hooks'
import type { Invite, User } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { useLive } from '../live.ts'
import { useLoaded } from '../load.ts'
import { Avatar } from '../parts/avatar.tsx'
import { Card, PageHead } from '../parts/card.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form } from '../parts/form.tsx'
import { Icon } from '../parts/icon.tsx'
import { Empty, Loading } from '../parts/states.tsx'
import { when } from '../parts/time.tsx'
import { toast } from '../parts/toast.tsx'
import { goTo, hrefTo, type Place } from '../router.ts'
import { common } from '../texts/common.ts'
import { people } from '../texts/people.ts'
import { Fridge, InviteDialog, OpenInvites } from './invites.tsx'
import { Requests } from './requests.tsx'

/** From so many on it is quicker to type than to look. */
const searchFrom = 8

export function PeopleList({ place }: { readonly place: Place }) {
  const { api, live } = useConsole()
  const { people: users, requests } = useLive(live)
  const invites = useLoaded(() => api.get<Invite[]>('/invites'))
  const [adding, setAdding] = useState<'' | 'invite' | 'person'>(
    place.query.get('add') === 'invite' ? 'invite' : '',
  )
  const close = () => {
    setAdding('')
    if (place.query.has('add')) goTo(hrefTo('people'), { replace: true })
  }
  return (
    <>
      <PageHead title={people.title}>
        <button type="button" class="button" onClick={() => setAdding('person')}>
          {people.add}
        </button>
        <button type="button" class="button primary" onClick={() => setAdding('invite')}>
          <Icon name="plus" /> {people.invite}
        </button>
      </PageHead>
      <div class="columns">
        <div class="stack">
          <Requests requests={requests} users={users ?? []} />
          <Everybody users={users} />
          <OpenInvites invites={invites} users={users ?? []} />
        </div>
        <Fridge />
      </div>
      {adding === 'invite' && (
        <InviteDialog users={users ?? []} onClose={close} onMade={() => void invites.reload()} />
      )}
      {adding === 'person' && <AddPerson onClose={close} />}
    </>
  )
}

function Everybody({ users }: { readonly users: readonly User[] | undefined }) {
  const [wanted, setWanted] = useState('')
  const lower = wanted.trim().toLowerCase()
  const shown = users?.filter(({ name, displayName, number }) =>
    `${name} ${displayName} ${number}`.toLowerCase().includes(lower),
  )
  return (
    <Card title={people.title} count={users?.length}>
      {users !== undefined && users.length >= searchFrom && (
        <div class="search">
          <input
            type="search"
            value={wanted}
            placeholder={people.search}
            aria-label={people.search}
            onInput={event => setWanted(event.currentTarget.value)}
          />
        </div>
      )}
      {shown === undefined && <Loading lines={5} />}
      {shown?.length === 0 && (
        <Empty icon="people">
          <p>{lower === '' ? people.empty : people.noneFound}</p>
        </Empty>
      )}
      <ul class="rows people-rows">
        {shown?.map(user => (
          <li key={user.name}>
            <a href={hrefTo('people', user.name)}>
              <Avatar name={user.displayName} presence={user.presence} />
              <span class="row-main">
                <strong>{user.displayName}</strong>
                <span class="soft small">
                  {common.presence[user.presence]} · {people.devices(user.devices.length)} ·{' '}
                  {people.dial(user.number)}
                </span>
              </span>
              <Badges user={user} />
              <Icon name="next" />
            </a>
          </li>
        ))}
      </ul>
    </Card>
  )
}

export function Badges({ user }: { readonly user: User }) {
  return (
    <>
      {user.role === 'owner' && <span class="badge">{people.owner}</span>}
      {user.expiresAt != null && <span class="badge warn">{people.guestUntil(when(user.expiresAt))}</span>}
      {user.disabled && <span class="badge bad">{people.off}</span>}
    </>
  )
}

function AddPerson({ onClose }: { readonly onClose: () => void }) {
  const { api, live } = useConsole()
  const [name, setName] = useState('')
  return (
    <Dialog title={people.addTitle} onClose={onClose}>
      <Form
        submit={people.add}
        onCancel={onClose}
        onSubmit={async values => {
          const user = await api.post<User>('/users', {
            name: values.name,
            displayName: values.displayName,
            ...(values.sipPassword ? { sipPassword: values.sipPassword } : {}),
          })
          live.learn(user)
          toast(people.added(user.displayName))
          onClose()
          goTo(hrefTo('people', user.name))
        }}
      >
        <div onInput={event => setName(proposal(event.target as HTMLInputElement, name))}>
          <Field
            label={people.addName}
            name="displayName"
            required
            maxLength={64}
            hint={people.addNameHint}
            autoFocus
          />
        </div>
        <Field
          key={name}
          label={people.addUser}
          name="name"
          value={name}
          required
          maxLength={32}
          pattern="[a-z0-9]([a-z0-9.\-]*[a-z0-9])?"
          hint={people.addUserHint}
        />
        <Field
          label={people.addSip}
          name="sipPassword"
          type="password"
          minLength={6}
          maxLength={128}
          autocomplete="new-password"
          hint={people.addSipHint}
        />
      </Form>
    </Dialog>
  )
}

/** A short name made of the first word of the full one. */
const proposal = ({ value }: HTMLInputElement, before: string): string =>
  value
    .trim()
    .split(/\s+/)[0]!
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '')
    .slice(0, 32) || before
