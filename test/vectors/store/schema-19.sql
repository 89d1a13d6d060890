pragma foreign_keys = off;
begin;
CREATE TABLE users (
    name text primary key,
    display_name text not null,
    role text not null check (role in ('owner', 'member')),
    password_hash text,
    do_not_disturb integer not null default 0,
    created_at real not null
  , stay_from real, stay_until real, seen_by_guests integer not null default 0, stay_left real, disabled integer not null default 0, number text, also_rings text not null default '', quiet_hours text, quiet_skipped real, door_keys text not null default '') strict;
insert into users values ('olivia-owner', 'Olivia Owner', 'owner', 'scrypt$32768$8$3$AFnzuoISyhB2nKq+RD78Jg==$pruxnik6jZDxUhfUVtJ440PbDzZRwp5mPl7sR54ZntE=', 0, 1775865600000.0, NULL, NULL, 1, NULL, 0, '20', '', NULL, NULL, '');
insert into users values ('anna', 'Anna', 'member', NULL, 0, 1775865600000.0, NULL, NULL, 0, NULL, 0, '21', 'carl', '{"from":"22:00","until":"07:00","days":["mon","sun"],"zone":"Europe/Berlin"}', NULL, '');
insert into users values ('carl', 'Carl', 'member', NULL, 0, 1775865600000.0, NULL, NULL, 0, NULL, 1, '22', '', NULL, NULL, '9#');
insert into users values ('gina-guest', 'Gina Guest', 'member', NULL, 0, 1775865600000.0, 1775865600000.0, 1778457600000.0, 0, 2591998824.1632581, 0, '23', '', NULL, NULL, '');
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
insert into devices values ('ce6339d7fb6f873b3f', 'olivia-owner', 'Kitchen tablet', 'page', 'ad516e92ca99d994ad3dc417649c9e8f1d7c41174cb43d9923f8d673ef78b325', NULL, NULL, NULL, 1775865600000.0, NULL, NULL);
insert into devices values ('7c32ee26c1fa26b69d', 'anna', 'SIP phone', 'sip', NULL, 'anna', '28b321fe8606ec97e31dc89020dff004', '2f96075a43b9bf158e37fbd946d9c96319e6885a8a93797303358540e5cd3f74', 1775865600000.0, NULL, NULL);
insert into devices values ('a5403f98c85d962128', 'anna', 'Kitchen tablet', 'page', '48e599ce052fadf85ed1f6a45b67f331ebf4bf50bb9d6e79a825285f4db43056', NULL, NULL, NULL, 1775865600000.0, NULL, NULL);
insert into devices values ('a3a733bc1c33478b26', 'anna', 'Desk', 'sip', NULL, 'anna-2', '778791dddb423318d7bd11159fa989a0', '60f6816b8522c1c3639bbfb10e376784a6af868e23a30ded2fc7dad7df1cc71d', 1775865600000.0, NULL, NULL);
insert into devices values ('a9711240218b61d601', 'gina-guest', 'Kitchen tablet', 'page', '77fdbed4ec58fb3646fd091e4b56b1ab99e9f9874e892f063716243f4f9b7822', NULL, NULL, NULL, 1775865600000.0, NULL, NULL);
CREATE TABLE invites (
    id text primary key,
    token_hash text not null unique,
    user text references users (name) on delete cascade,
    created_at real not null,
    expires_at real not null
  , stay_seconds real, used_at real, stay_from_now integer not null default 0) strict;
insert into invites values ('caa71cacf01855af02', '27277fb09d086f717b3809de011b79163d42e62fb8a9e9ae2db1615edc516441', NULL, 1775865600000.0, 1776124800000.0, 2592000.0, 1775865600000.0, 0);
insert into invites values ('a4e2cb38bf1fe75e71', 'a15f299723003c8e1e0c545370e5bcb2e5f7f205f4afe2ada2397fdb197387a5', 'anna', 1775865600000.0, 1776124800000.0, NULL, NULL, 0);
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
  , page_hash text) strict;
insert into requests values ('abe4c9d1d405957149', 'Rita', 'Kitchen tablet', 'page', '4c6d47b4308c3631314f6d7f3bd66f88c185b22d0c491d29f457837dfe63ad68', '192.168.1.9', 'waiting', NULL, NULL, 1775865600000.0, 'd016099c6ff20c2cb3f219ce09488521d17661883ae5d867ff55a91ac829d822');
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
insert into bindings values ('kept', 'anna', '7c32ee26c1fa26b69d', 'sip:anna@192.168.1.7:5060', NULL, NULL, '[]', 1.0, 'kept@192.168.1.7', 1, 'kept', 'udp', '192.168.1.2', 5060, '192.168.1.7', 5060, 3600.0, 1795353341181.0, '72768f1d-4b10-4d77-9706-6e8a276ce639', 37947.17);
CREATE TABLE calls (
    seq integer primary key autoincrement,
    id text not null unique,
    caller_user text not null,
    callee_user text not null,
    started_at real not null,
    ended_at real,
    missed integer not null,
    row text not null
  , path text, grade text, mos real, answerer_user text) strict;
insert into calls values (1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'anna', 'olivia-owner', 1775865600000.0, 1775865650000.0, 0, '{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","callerUser":"anna","callerName":"Anna","callerDevice":"a","calleeUser":"olivia-owner","calleeName":"Olivia Owner","calleeDevice":"b","video":false,"startedAt":1775865600000,"ringingAt":1775865600500,"answeredAt":1775865604000,"endedAt":1775865650000,"endedBy":"caller","reason":"hangup","code":200,"missed":false,"missedSeen":false,"aliveAt":1775865600000}', 'relayed', 'bothEnds', 2.5, NULL);
insert into calls values (2, 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'anna', 'olivia-owner', 1775865600000.0, 1775865650000.0, 1, '{"id":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","callerUser":"anna","callerName":"Anna","callerDevice":"a","calleeUser":"olivia-owner","calleeName":"Olivia Owner","calleeDevice":"b","video":false,"startedAt":1775865600000,"ringingAt":1775865600500,"endedAt":1775865650000,"endedBy":"caller","reason":"cancelled","code":487,"missed":true,"missedSeen":false,"aliveAt":1775865600000,"others":[{"user":"carl","became":"missed"}]}', 'unknown', 'none', NULL, NULL);
CREATE TABLE settings (
    key text primary key,
    value text not null
  ) strict;
insert into settings values ('realm', 'lanline-92b020911094');
insert into settings values ('tokenKey', '/K2+VGenLj5KdYeNYNNBvqjIm02r3+DmXkQkInBIISM=');
insert into settings values ('traceKey', 'V7gAhKl50NoIG4T/ry1cQxr8S6IWY7bYf2MJO0lx2T0=');
insert into settings values ('place', 'Old house');
insert into settings values ('policy.retainDays', '3650');
CREATE TABLE grants (
    call text primary key,
    reason text not null check (reason in ('otherNetwork', 'checksFailed'))
  ) strict;
insert into grants values ('cccccccccccccccccccccccccccccccc', 'otherNetwork');
CREATE TABLE trace_summaries (
    call text primary key,
    summary text not null
  , packed blob) strict;
insert into trace_summaries values ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '', X'28B52FFD6031073D1A0056F28E346069930E300CC3307008D9A6E0DD86434AB6C9DD83ECB67F65AD4DBBCFA8B97457C305063875FFFF6DAC21353DDE9D5404C1E2017B0083008500D1EF59BFAD0F2332A57BBAF11508893242554EA6649A181329D92DD6DB4A948D89D3B6CF995D2154CB77DA38D5983965F4C3897264EE6EFB2A9C761DAA44A6FC725FF79828237308DABE8A4C79A6E02451B25FA8E63053B6554E62A4DCA50CDE9208E2C18179A48CDF8B8A44100D29E3BA5B9E2855A66C1AB512230E241C1334CB2246EB1E1D316267FF5A95486142067258F2EC60EEABCC0EFF44A7EC8B558BEEBA736FF9F00FD025EF020122C50E238755180C61984882549890E107C344D2A3E1683C34381A0F088737BE66F894F1B0325149F35AA63CE5ADADBC446980F2B6766A3FE7B6FA18C107A1521C2D48C8806FFBDC96BA2354E5987DD79B070D87879D9AB100331188C30C31118823394408300CC33011183F6515F5D60100F861A76DF561307C5BB4F1358ECAF179CEC2AB5ED59E5BF4EB90A904451D6E4C070EA00B12325244841B228F01AA45A789536D45F8DDF3DB9A5D1BC751FEAAA5125DF8E5B75DA7D0819F3895A88ADEE7FC46250F3A5EE080410323F8E6E83282341CA88182974B42321FE321632AD125D278A43C723408A4C448191F25D185622265744F77295370DD5B8928F27FF6155EA7CF718C5FABADD5271A3EA3F7ACE4ADB2BB855AAB9C4888E2926EE23446A5B455CEF35A34ACACA3969FC42D9672D8DD9D6778CB9DA37ADED6C94CD4B6864FE20B08D5829FB037570F10809906C3E0682667A8611961082124242212842649734002420C2ACB1D1228D3444BC3900011E604854AE291200A0AD572AAA3221260F7F515EE20345FBF4D0544C3A6844786B46FB5D43C5A9381E10F2304310C6EAB2E120E8B8465628D55D4631C653265AA082F1BBDB4C7851717315E79AC3584272A920B4D86B9C916249A108E5C521C6B8F8F544A69014F3AF5BBE8968CD01C23AB40EB228C0F0D96D1CED676466B101E3D88EEBDD8764C5EB817B3CA4D37961381359F7D473DCA3E0D32002AB404CC5013844B9BE6ACA3E910D18CA213A1C865B0E54458EBA0361A6D3855F6B2B5F3D1662918D5ACE8891A6334D20187EEF172C3C63EE1A0CB2D564F76ACF8B4FC44F9E9F8A876D01515074001');
CREATE TABLE incidents (
    key text primary key,
    last_at real not null,
    incident text not null
  ) strict;
insert into incidents values ('away', 1775865600000.0, '{"kind":"away","user":"anna","device":"7c32ee26c1fa26b69d","account":"","source":"","call":"","detail":"","at":1775865600000,"count":1,"lastAt":1775865600000}');
CREATE TABLE trace_segments (
    seq integer primary key,
    bytes integer not null,
    events any not null
  ) strict;
insert into trace_segments values (1, 1707, X'28B52FFD00481535006A4CA00C26208DB40D1388F06989BFA6708A996C1717B7B4C280BEE6ECC848487273AE5B2B69100013501ED300CE00B1000D51688CC33BB08585856215D01E1C7B8CF28CF7078CE240A1310EEFF0BE2C0D610FDA3B6808704451688CC33BA48204326424CE1F34E73C020F32281E9E8ACC4CF5D744F8E3A948BB0CDF370C3C0C23305C1AD22C8E28129EE0C1778AF78D8107190519328DF2107F25C1838B334C7B4096A5212831409480129642097A206C60E8DC39FF246978D0196561DA820C9B87093C08F1CDC473464F0526FEBE3D870C5F7B98C083CBD2106498300A041E7C977877C8D0916F340E4F327409D320EE9465510EBC8607317C6F10D16030420380D60247F2C4C0C090610164E88BE2A079048CF70E0F22C3F7078682E0C19480160A0C2C18800C994671EF120F71866910B7BC64A1F77890913490E1D220CD6B9E8127257F4D84BF6632C3F70D025D60502C60F84A637405334C5C4271C41338774CC370FE7898E1635C817BCE1B10FCF160E2893B82341C32F4D79EC38329935942CD64F65CF380111A18BA571A030F3A08C41FF89B7F021048B32078F015A9F709C734C4299317893130F8FB84635A72775F9686E4B115F85CF3B06050BC8566F2421768C1481A0BB440CC5F4B948409CA08E526E726A363F5EA44C98A15275A285773D5FBD8D5DCD5DC4F47A34EEDBD7617EFE24F4BA1549A4ABD7B7733ED66FAD48C523BB5BDD5F2A6F227B52897E6526FDE55A9AB523F7142B99DDBDEBBABBCCA9F56912642DE29EDAE449F1242A93A557BEBEEF22E7FD244A9EA8DF655554F45327CAE59F0642E43E78FA2011E66E89E43208D81071FE3AE51924643864D493C020F42083144DE398CD0C0D04534FFE7F0503C65690D089F161658AE6A4A010118E46AAE7A1F6A357735F7D3D1A9DB7BA95DBC8B3F2D9552692AF56E952951A64FCDA93551ABB7528A3511AB5DAA4B9559A5AA544EDBDBBB7AB01EBC9A87A23C14A5B412AD4409A956ADBABCCB9F3493AE448A54AE44E858BD3A359562C5A96BF5583D8E433B0FED3C8ECEEEEC5E6BF1E2A5942EA5AB7B736DAE6655ADAA954AC5A958EDD25EDACC2A5B6573DADEDE5566655E4D5695AC2AA5956AA54A48B56AD5E5654DD555D60D8242A8325AB9222222414A0A0A92423AD20D8880100529EB1C12402008201810140C5108C340300A8108218A382220824B081111113C3D59CAB84A0A180A65F14E768E499F0E5CB29B759226A6153673B2B90FF3F75532DC2EECDD7F64406C2E3C62DAA5D336C990A96C16DB4961CE9429CC2A29B0A81AC5BB6C9C33D189C69F2AB824A9829F7AC8FB5DCADF42069790A112E928A34F9D048B415544588B3AC5F7D75A711DA3AF7EC15A501F352D65B654E2642EC5B3DA0A32FAF1F87BCA9A3424381BDE9A3B2C390A3E996B4C261A9D196FE3CDED478DFA38EA59DBECE9091C36136E72370E99F14035E7CCBAC05184331E8E311380EC42F06F3D78D38DF6BE5ACAF8F489C60E08A33B9F5F4F29434B0C047A171922C5E7B4AA98476F29790C18AD76C00ABC99752CA51A0E197733CDEC058CFA3CDE3C24261591BE86EECC1D161C05EFCC1D927346678CB1F956F631467B1CBF9E728688644F8333638F053FC327E60E8939473386EF7DA3BD90D11EFFABB790218484F6D97598D0F9D78913319FDA0CDD459049535D00057DA09041934A5547F745949554ECDB96C53CAA760117DDD960D55F91C8089FCD3A6CE4C222B095EF5CF6EAD8572B8573D4569316E1C960F7D7259F1B73A37916B9A941B7EF2DFF5FD3B9672F9A35C825BE5CF9BEE811DAB7E8CEE35DBF0E797C0D37E8B211C98B109961DCFA3DE4FBE3778CEF229719D2FABDF27B692A17CCE269879CF29727EF88DF027B17DD6CB8EBD795CFAB51CEA98B084B4AD1B7291B3FD79A68D4E1B18B890AA619D2051598E1290F13158B5989C7C9806B70A94B8FA5B40A55740591211E0532BD90F5BAD7BA1BA40C1475AA0085AE14B6AAAE584480DC183FDD126D03DB78F1CFC52D14DB2825B440B043A9F8EE6D3343C17AFEB811282A9039DC6FE7D3662B24C317ADD4C09E39502E8623471A64092F9E1F9515098D240A3F78D099FD6477A8127A17CDD17BF963CE25153BA3E3DB36D72E4170A101597011F994D4E5B0B9EC132F9279F849BE8E88F3AF41828066B34411F318B98EFF4BA3012D3A3B23C4F2814EAF41550F2507284BBEF39ACA6931E1F5AAFB32641306235A44D7C5B5EFE27394FC4B9E415D59382843E10C2705C3FDFD027F9E14FA2DC8732AD9C0992620FD0A16FD75B4BDF5E0D93F61F8A85A69B57914ADC908C39C529372969980379C47C16CA28E73763E7D240CA78E228499A11D89633CC9298E0A35517C21129D');
CREATE TABLE trace_places (
    call text not null,
    segment integer not null,
    primary key (call, segment)
  ) strict, without rowid;
insert into trace_places values ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1);
CREATE TABLE calls_missed_by (
    user text not null,
    seq integer not null references calls (seq) on delete cascade,
    primary key (user, seq)
  ) strict, without rowid;
insert into calls_missed_by values ('carl', 2);
CREATE INDEX devices_by_user on devices (user);
CREATE INDEX bindings_by_device on bindings (device);
CREATE INDEX calls_by_caller on calls (caller_user);
CREATE INDEX calls_by_callee on calls (callee_user);
CREATE INDEX calls_by_start on calls (started_at);
CREATE INDEX calls_open on calls (seq) where ended_at is null;
CREATE INDEX trace_segment_sizes on trace_segments (bytes);
CREATE INDEX trace_places_by_segment on trace_places (segment);
CREATE UNIQUE INDEX users_by_number on users (number);
CREATE INDEX calls_by_answerer on calls (answerer_user) where answerer_user is not null;
CREATE INDEX calls_filter on calls
    (seq, missed, path, grade, mos, started_at, ended_at, caller_user, callee_user, answerer_user);
CREATE INDEX calls_missed_by_seq on calls_missed_by (seq);
pragma user_version = 19;
commit;
