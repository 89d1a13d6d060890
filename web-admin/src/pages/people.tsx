import { PeopleList } from '../people/list.tsx'
import '../people/people.css'
import { Person } from '../people/person.tsx'
import type { Place } from '../router.ts'

export default function People({ place }: { readonly place: Place }) {
  return place.id === undefined ? <PeopleList place={place} /> : <Person key={place.id} name={place.id} />
}
