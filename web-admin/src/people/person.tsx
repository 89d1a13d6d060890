/** One person: who they are here, what they call with, what they may. */
import { useState } from 'preact/hooks'
import type { Network, User } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { useLive } from '../live.ts'
import { useLoaded } from '../load.ts'
import { Card, PageHead } from '../parts/card.tsx'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { Field, Form, Tick } from '../parts/form.tsx'
import { Icon } from '../parts/icon.tsx'
import { Loading, Nothing } from '../parts/states.tsx'
import { when } from '../parts/time.tsx'
import { attempt, toast } from '../parts/toast.tsx'
import { goTo, hrefTo } from '../router.ts'
import { common } from '../texts/common.ts'
import { people } from '../texts/people.ts'
import { Devices } from './devices.tsx'
import { InviteDialog } from './invites.tsx'
import { Badges } from './list.tsx'
import { SoftphoneDialog } from './softphone.tsx'

type Open =
  | ''
  | 'rename'
  | 'invite'
  | 'softphone'
  | 'off'
  | 'owner'
  | 'member'
  | 'password'
  | 'sip'
  | 'remove'

export function Person({ name }: { readonly name: string }) {
  const { live } = useConsole()
  const { people: users } = useLive(live)
  const user = users?.find(each => each.name === name)
  return (
    <>
      <a class="back" href={hrefTo('people')}>
        <Icon name="back" /> {people.back}
      </a>
      {users === undefined && <Loading lines={6} />}
      {users !== undefined && user === undefined && (
        <>
          <PageHead title={people.unknownTitle} />
          <Nothing>
            <p>{people.unknownBody}</p>
            <a class="button" href={hrefTo('people')}>
              {people.toAll}
            </a>
          </Nothing>
        </>
      )}
      {user && <Known user={user} users={users!} />}
    </>
  )
}

function Known({ user, users }: { readonly user: User; readonly users: readonly User[] }) {
  const { api, live, session } = useConsole()
  const network = useLoaded(() => api.get<Network>('/network'))
  const [open, setOpen] = useState<Open>('')
  const close = () => setOpen('')
  const path = `/users/${user.name}`
  const isGuest = user.role === 'guest'
  const change = async (body: object): Promise<void> => live.learn(await api.patch<User>(path, body))
  const host = network.value ? `${network.value.hostname}.local` : '…'
  return (
    <>
      <PageHead title={user.displayName}>
        <button type="button" class="button" onClick={() => setOpen('softphone')} disabled={isGuest}>
          {people.softphone}
        </button>
        <button type="button" class="button primary" onClick={() => setOpen('invite')} disabled={isGuest}>
          <Icon name="plus" /> {people.newDevice}
        </button>
      </PageHead>
      {user.disabled && <p class="note bad person-off">{people.offNote}</p>}
      <div class="stack">
        <Card title={people.whoTheyAre} aside={<Badges user={user} />}>
          <dl class="facts person-facts">
            <div class="fact">
              <dt>{people.presence}</dt>
              <dd>{common.presence[user.presence]}</dd>
            </div>
            <div class="fact">
              <dt>{people.address}</dt>
              <dd>
                <code>
                  sip:{user.name}@{host}
                </code>
              </dd>
            </div>
            <div class="fact">
              <dt>{people.rights}</dt>
              <dd>{rightsOf(user)}</dd>
            </div>
          </dl>
          {!isGuest && (
            <Tick
              label={people.guestsMayCall}
              name="seenByGuests"
              hint={people.guestsMayCallHint}
              checked={user.seenByGuests}
              onChange={seenByGuests => void attempt(() => change({ seenByGuests }))}
            />
          )}
          <div class="buttons person-buttons">
            <button
              type="button"
              class="button"
              aria-label={people.renameName(user.displayName)}
              onClick={() => setOpen('rename')}
            >
              {people.rename}
            </button>
            {isGuest && (
              <button
                type="button"
                class="button"
                onClick={() =>
                  void attempt(() => change({ staySeconds: null }), people.stays(user.displayName))
                }
              >
                {people.stayForGood}
              </button>
            )}
            {!isGuest && (
              <button type="button" class="button" onClick={() => setOpen('sip')}>
                {people.sipPassword}
              </button>
            )}
            {user.role === 'member' && (
              <button type="button" class="button" onClick={() => setOpen('password')}>
                {people.setPasswordShort}
              </button>
            )}
            {user.role === 'member' && (
              <button type="button" class="button" onClick={() => setOpen('owner')}>
                {people.makeOwner}
              </button>
            )}
            {user.role === 'owner' && user.name !== session.user && (
              <button type="button" class="button" onClick={() => setOpen('member')}>
                {people.unmakeOwner}
              </button>
            )}
            {user.name !== session.user &&
              (user.disabled ? (
                <button
                  type="button"
                  class="button"
                  onClick={() =>
                    void attempt(() => change({ disabled: false }), people.switchedOn(user.displayName))
                  }
                >
                  {people.switchOn}
                </button>
              ) : (
                <button type="button" class="button" onClick={() => setOpen('off')}>
                  {people.switchOff}
                </button>
              ))}
            {user.name !== session.user && (
              <button type="button" class="button quiet danger" onClick={() => setOpen('remove')}>
                {people.remove}
              </button>
            )}
          </div>
        </Card>
        <Devices user={user} />
      </div>
      {open === 'invite' && <InviteDialog users={users} forUser={user} onClose={close} />}
      {open === 'softphone' && <SoftphoneDialog user={user} onClose={close} />}
      {open !== '' && <Dialogs open={open} user={user} change={change} close={close} />}
    </>
  )
}

function Dialogs(props: {
  readonly open: Open
  readonly user: User
  readonly change: (body: object) => Promise<void>
  readonly close: () => void
}) {
  const { open, user, change, close } = props
  const { api } = useConsole()
  const name = user.displayName
  switch (open) {
    case 'rename':
      return (
        <Dialog title={people.renameName(name)} onClose={close}>
          <Form
            submit={common.save}
            onCancel={close}
            onSubmit={async values => {
              await change({ displayName: values.displayName })
              close()
              toast(people.renamed, () => change({ displayName: name }))
            }}
          >
            <Field label={people.theirName} name="displayName" value={name} required maxLength={64} />
          </Form>
        </Dialog>
      )
    case 'off':
      return (
        <Confirm
          title={people.offTitle(name)}
          lost={people.offLost}
          confirm={people.switchOff}
          onClose={close}
          onConfirm={async () => {
            await change({ disabled: true })
            toast(people.switchedOff(name), () => change({ disabled: false }))
          }}
        />
      )
    case 'owner':
      return (
        <Dialog title={people.makeOwnerTitle(name)} onClose={close}>
          <p>{people.makeOwnerBody}</p>
          <PasswordForm
            submit={people.makeOwner}
            close={close}
            isOptional={user.mayLogIn}
            onSubmit={async password => {
              await change({ role: 'owner', ...(password && { password }) })
              toast(people.madeOwner(name))
            }}
          />
        </Dialog>
      )
    case 'member':
      return (
        <Confirm
          title={people.unmakeOwnerTitle(name)}
          lost={people.unmakeOwnerLost}
          confirm={people.unmakeOwner}
          onClose={close}
          onConfirm={() => change({ role: 'member' })}
        />
      )
    case 'password':
      return (
        <Dialog title={people.setPassword} onClose={close}>
          <PasswordForm
            submit={common.save}
            close={close}
            onSubmit={async password => {
              await change({ password })
              toast(people.passwordSet)
            }}
          />
        </Dialog>
      )
    case 'sip':
      return (
        <Dialog title={people.sipPassword} onClose={close}>
          <Form
            submit={common.save}
            onCancel={close}
            onSubmit={async values => {
              await change({ sipPassword: values.sipPassword })
              close()
              toast(people.sipPasswordSet)
            }}
          >
            <Field
              label={people.sipPassword}
              name="sipPassword"
              type="password"
              required
              minLength={6}
              maxLength={128}
              autocomplete="new-password"
              hint={people.sipPasswordHint}
            />
          </Form>
        </Dialog>
      )
    case 'remove':
      return (
        <Confirm
          title={people.removeTitle(name)}
          lost={people.removeLost(user.devices.length)}
          confirm={people.remove}
          onClose={close}
          onConfirm={async () => {
            await api.delete(`/users/${user.name}`)
            toast(people.removed(name))
            goTo(hrefTo('people'), { replace: true })
          }}
        />
      )
    default:
      return null
  }
}

function PasswordForm(props: {
  readonly submit: string
  readonly isOptional?: boolean
  readonly close: () => void
  readonly onSubmit: (password: string) => Promise<void>
}) {
  return (
    <Form
      submit={props.submit}
      onCancel={props.close}
      onSubmit={async values => {
        await props.onSubmit(values.password ?? '')
        props.close()
      }}
    >
      <Field
        label={people.consolePassword}
        name="password"
        type="password"
        required={!props.isOptional}
        minLength={10}
        maxLength={256}
        autocomplete="new-password"
        hint={people.consolePasswordHint}
      />
    </Form>
  )
}

function rightsOf(user: User): string {
  if (user.expiresAt != null) return people.guestRights(when(user.expiresAt))
  if (user.role === 'owner') return people.ownerRights
  return user.mayLogIn ? people.memberLogs : people.memberRights
}
