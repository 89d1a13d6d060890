pragma foreign_keys = off;
begin;
CREATE TABLE users (
    name text primary key,
    display_name text not null,
    role text not null check (role in ('owner', 'member')),
    password_hash text,
    do_not_disturb integer not null default 0,
    created_at real not null
  , stay_from real, stay_until real, seen_by_guests integer not null default 0) strict;
insert into users values ('olivia-owner', 'Olivia Owner', 'owner', 'scrypt$32768$8$3$oGOEQ3UhJZAJSP0hetTTJw==$bWMt4e3RXmZUgyCdxdet87vUL0Pf11sSX+JCYig3VLw=', 0, 1795328352800.0, NULL, NULL, 1);
insert into users values ('anna', 'anna', 'member', NULL, 0, 1795328354571.0, NULL, NULL, 0);
insert into users values ('bob', 'bob', 'member', NULL, 0, 1795328356212.0, NULL, NULL, 0);
insert into users values ('gina-guest', 'Gina Guest', 'member', NULL, 0, 1795328356493.0, 1795328356493.0, 1797920356493.0, 0);
CREATE TABLE devices (
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
insert into devices values ('c2a1d3732ff8a6d51f', 'olivia-owner', 'Browser', 'page', '3789c9485b40141d2dbf760716456265437e6dd94e034a61a83d7704195838ef', NULL, NULL, NULL, 1795328352809.0, NULL, NULL);
insert into devices values ('9310e5d6ce46553a46', 'anna', 'SIP phone', 'sip', NULL, 'anna', '5dd02dff8efc5c955e28e55314d12520', '4b6772e12ef7d6b2395a7d45aee05d89499ca3ccb87ea396bb6e34d8daf2379c', 1795328354571.0, NULL, 1795328356666.0);
insert into devices values ('1d7b24613bd940b1c4', 'bob', 'SIP phone', 'sip', NULL, 'bob', '487b18fbe0da3e48dffc833367abbf65', 'cf405dcb28628f349e634cc84a692d382ec205e2339658db5ef9e926490c5635', 1795328356212.0, NULL, 1795328356675.0);
insert into devices values ('9c68cd3512e3ef1642', 'anna', 'old page', 'page', '724faa4aa59bb39643fd90b2bf4894bde36fb318c3247fef0cb373589b5823c8', NULL, NULL, NULL, 1795328356317.0, NULL, 1795328356700.0);
insert into devices values ('e6d25e2a38950d2158', 'bob', 'old page', 'page', '818dc2e40da1641440fe62a0f805dbbdb909eb21856c3f146a5ea54460c8e305', NULL, NULL, NULL, 1795328356417.0, NULL, 1795328356705.0);
insert into devices values ('ff7c8c71a98159be5d', 'gina-guest', 'old page', 'page', '9928d377884c10023fa7d2088108c67319d783ae4fe426ee7bc5de9b423dbce4', NULL, NULL, NULL, 1795328356493.0, NULL, NULL);
CREATE TABLE invites (
    id text primary key,
    token_hash text not null unique,
    user text references users (name) on delete cascade,
    created_at real not null,
    expires_at real not null
  , stay_seconds real) strict;
insert into invites values ('86d0fcdee871df9071', '1f245a4f89a0d24d7fc6d6ffc8e16963b167ef0396619fc52a416dcd85a76348', 'bob', 1795328356626.0, 1795587556626.0, NULL);
CREATE TABLE requests (
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
CREATE TABLE bindings (
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
insert into bindings values ('1Z5fStcb6qnY2AcU', 'anna', '9310e5d6ce46553a46', 'sip:anna@127.0.0.1:52510', NULL, NULL, '[]', 1.0, 'old-anna', 2, '', 'udp', '127.0.0.1', 21012, '127.0.0.1', 52510, 4200.0, 1795328356666.0, '72768f1d-4b10-4d77-9706-6e8a276ce639', 12962.66);
insert into bindings values ('XZqRyvUBfz2RCw6q', 'bob', '1d7b24613bd940b1c4', 'sip:bob@127.0.0.1:35034', NULL, NULL, '[]', 1.0, 'old-bob', 2, '', 'udp', '127.0.0.1', 21012, '127.0.0.1', 35034, 4200.0, 1795328356675.0, '72768f1d-4b10-4d77-9706-6e8a276ce639', 12962.67);
CREATE TABLE calls (
    seq integer primary key autoincrement,
    id text not null unique,
    caller_user text not null,
    callee_user text not null,
    started_at real not null,
    ended_at real,
    missed integer not null,
    row text not null
  ) strict;
insert into calls values (1, '9ca4a589f90c7d5c25527d96cc97eb78', 'anna', 'bob', 1795328356709.8826, 1795328357216.988, 0, '{"id":"9ca4a589f90c7d5c25527d96cc97eb78","callerUser":"anna","callerName":"anna","callerDevice":"9c68cd3512e3ef1642","calleeUser":"bob","calleeName":"bob","calleeDevice":"e6d25e2a38950d2158","video":false,"startedAt":1795328356709.8826,"answeredAt":1795328356720.992,"endedAt":1795328357216.988,"endedBy":"callee","reason":"hangup","code":0,"missed":false,"missedSeen":false,"aliveAt":1795328356720.992}');
CREATE TABLE settings (
    key text primary key,
    value text not null
  ) strict;
insert into settings values ('realm', 'lanline-067949dcd707');
insert into settings values ('tokenKey', 'cp2IcfNsqWQLSEcgeGfQ47l+yBjg42wg1iR5k69McxA=');
insert into settings values ('place', 'Old house');
CREATE INDEX devices_by_user on devices (user);
CREATE INDEX bindings_by_device on bindings (device);
CREATE INDEX calls_by_caller on calls (caller_user);
CREATE INDEX calls_by_callee on calls (callee_user);
CREATE INDEX calls_by_start on calls (started_at);
CREATE INDEX calls_open on calls (seq) where ended_at is null;
pragma user_version = 2;
commit;
