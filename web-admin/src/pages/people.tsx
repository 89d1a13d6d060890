import type { User } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { usePolled } from '../load.ts'
import { PageHead } from '../parts/card.tsx'
import { common } from '../texts/common.ts'
import { Invites } from '../views/invites.tsx'
import { People } from '../views/people.tsx'
import { Requests } from '../views/requests.tsx'

export default function PeoplePage() {
  const { api } = useConsole()
  const users = usePolled(() => api.get<User[]>('/users'), 10)
  return (
    <>
      <PageHead title={common.pages.people} />
      <Requests api={api} users={users.value ?? []} onAnswered={users.reload} />
      <People api={api} users={users.value} onChanged={users.reload} />
      <Invites api={api} users={users.value ?? []} />
    </>
  )
}
