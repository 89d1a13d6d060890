/**
 * The schema, as numbered steps from an empty file. `PRAGMA user_version` holds the number of the last step done. A
 * step is never changed once released: a later one mends it. `test/vectors/store` keeps databases as they were left.
 */
export const migrations: readonly string[] = [
  `
  create table users (
    name text primary key,
    display_name text not null,
    role text not null check (role in ('owner', 'member')),
    password_hash text,
    do_not_disturb integer not null default 0,
    created_at real not null
  ) strict;

  create table devices (
    id text primary key,
    user text not null references users (name) on delete cascade,
    name text not null,
    kind text not null check (kind in ('page', 'app', 'sip')),
    token_hash text unique,
    digest_user text unique,
    ha1_md5 text,
    ha1_sha256 text,
    created_at real not null,
    expires_at real,
    last_seen_at real
  ) strict;
  create index devices_by_user on devices (user);

  create table invites (
    id text primary key,
    token_hash text not null unique,
    user text references users (name) on delete cascade,
    created_at real not null,
    expires_at real not null
  ) strict;

  create table requests (
    id text primary key,
    display_name text not null,
    device_name text not null,
    kind text not null,
    secret_hash text not null,
    address text not null,
    state text not null check (state in ('waiting', 'allowed', 'denied')),
    user text references users (name) on delete cascade,
    device text references devices (id) on delete cascade,
    created_at real not null
  ) strict;

  create table bindings (
    key text primary key,
    user text not null references users (name) on delete cascade,
    device text not null references devices (id) on delete cascade,
    contact text not null,
    instance text,
    reg_id integer,
    path text not null,
    q real not null,
    call_id text not null,
    cseq integer not null,
    user_agent text not null,
    transport text not null,
    local_address text not null,
    local_port integer not null,
    remote_address text not null,
    remote_port integer not null,
    expires_seconds real not null,
    written_at real not null,
    written_boot text not null,
    written_uptime_seconds real not null
  ) strict;
  create index bindings_by_device on bindings (device);

  create table calls (
    seq integer primary key autoincrement,
    id text not null unique,
    caller_user text not null,
    callee_user text not null,
    started_at real not null,
    ended_at real,
    missed integer not null,
    row text not null
  ) strict;
  create index calls_by_caller on calls (caller_user);
  create index calls_by_callee on calls (callee_user);
  create index calls_by_start on calls (started_at);
  create index calls_open on calls (seq) where ended_at is null;

  create table settings (
    key text primary key,
    value text not null
  ) strict;
  `,
  // Guests: a person with an end is one; they see and call only those who are marked so.
  `
  alter table users add column stay_from real;
  alter table users add column stay_until real;
  alter table users add column seen_by_guests integer not null default 0;
  update users set seen_by_guests = 1 where role = 'owner';
  alter table invites add column stay_seconds real;
  `,
  // What is left of a stay, counted by the time the machine ran: some have no clock.
  `
  alter table users add column stay_left real;
  update users set stay_left = stay_until - stay_from where stay_until is not null;
  `,
  // The page that asks to join: it has one open request, however often it asks.
  `
  alter table requests add column page_hash text;
  `,
  // An invitation that was used is kept a while, so that its next holder can be told.
  `
  alter table invites add column used_at real;
  `,
  // An invitation "until tonight": the stay counts from when it was made, not from when it is used.
  `
  alter table invites add column stay_from_now integer not null default 0;
  `,
  // Calls that relay now.
  `
  create table grants (
    call text primary key,
    reason text not null check (reason in ('otherNetwork', 'checksFailed'))
  ) strict;
  `,
  // Traces: batches of events in the order of their making, and what was concluded of them.
  `
  create table trace_batches (
    seq integer primary key autoincrement,
    call text not null,
    bytes integer not null,
    events text not null
  ) strict;
  create index trace_batches_by_call on trace_batches (call);
  create table trace_summaries (
    call text primary key,
    summary text not null
  ) strict;
  `,
  // What the call list is filtered by. One index holds all of it, so that a filter that finds little reads no rows.
  `
  alter table calls add column path text;
  alter table calls add column grade text;
  alter table calls add column mos real;
  update calls set
    path = (select json_extract(summary, '$.verdict.path') from trace_summaries where call = calls.id),
    grade = (select json_extract(summary, '$.verdict.grade') from trace_summaries where call = calls.id),
    mos = (select min(
        coalesce(json_extract(summary, '$.mos.caller'), json_extract(summary, '$.mos.callee')),
        coalesce(json_extract(summary, '$.mos.callee'), json_extract(summary, '$.mos.caller')))
      from trace_summaries where call = calls.id);
  create index calls_filter on calls
    (seq, missed, path, grade, mos, started_at, ended_at, caller_user, callee_user);
  `,
  // What was refused or ran out: what Help tells after a restart.
  `
  create table incidents (
    key text primary key,
    last_at real not null,
    incident text not null
  ) strict;
  `,
  // Events of many calls in one row, most of them compressed: less to write for each call, and for an SD card.
  `
  create table trace_segments (
    seq integer primary key,
    bytes integer not null,
    events any not null
  ) strict;
  create index trace_segment_sizes on trace_segments (bytes);
  create table trace_places (
    call text not null,
    segment integer not null,
    primary key (call, segment)
  ) strict, without rowid;
  create index trace_places_by_segment on trace_places (segment);
  insert into trace_segments select seq, bytes, call || char(9) || events || char(10) from trace_batches;
  insert into trace_places select call, seq from trace_batches;
  drop table trace_batches;
  `,
  // A person who may not connect for a while, with all their devices.
  `
  alter table users add column disabled integer not null default 0;
  `,
  // Short numbers, for phones without letters. Whoever has none is given one at the next start.
  `
  alter table users add column number text;
  create unique index users_by_number on users (number);
  `,
  // Whose devices ring as well when a person is called: names, a space between them.
  `
  alter table users add column also_rings text not null default '';
  `,
  // Who took a call in the callee's place finds it among their own.
  `
  alter table calls add column answerer_user text;
  update calls set answerer_user = json_extract(row, '$.answererUser') where json_extract(row, '$.answererUser') is not null;
  create index calls_by_answerer on calls (answerer_user) where answerer_user is not null;
  drop index calls_filter;
  create index calls_filter on calls
    (seq, missed, path, grade, mos, started_at, ended_at, caller_user, callee_user, answerer_user);
  `,
  // Hours in which a person is not to be rung at, as JSON; and the end of those that they let calls through in.
  `
  alter table users add column quiet_hours text;
  alter table users add column quiet_skipped real;
  `,
  // Who missed a call in the callee's place finds it among their own.
  `
  create table calls_missed_by (
    user text not null,
    seq integer not null references calls (seq) on delete cascade,
    primary key (user, seq)
  ) strict, without rowid;
  create index calls_missed_by_seq on calls_missed_by (seq);
  `,
  // What was concluded of a call, compressed; of calls before it stays text, since to pack 200,000 takes long.
  `
  alter table trace_summaries add column packed blob;
  `,
  // What a door station wants to hear to open.
  `
  alter table users add column door_keys text not null default '';
  `,
]
