import { CallPage } from '../calls/call.tsx'
import '../calls/calls.css'
import { CallListPage } from '../calls/list.tsx'
import type { Place } from '../router.ts'

export default function Calls({ place }: { readonly place: Place }) {
  return place.id === undefined ? <CallListPage place={place} /> : <CallPage key={place.id} id={place.id} />
}
