-- Who administers and how they prove it. Owner: services/api, role sealpost_api. All of a person goes when they are removed.

create table api.administrator (
  -- Random: the user handle of their passkeys, and what the audit log calls them.
  id uuid primary key,
  -- What colleagues see, chosen by the person: the one thing known of them.
  name text not null check (length(name) between 1 and 64),
  -- The name for comparing (NFKC, lower case): two who look the same could be taken for one another, and signing in without a passkey begins with it.
  name_key text collate "C" not null unique,
  role text not null check (role in ('owner', 'admin', 'support', 'auditor', 'org_admin', 'reseller')),
  -- What they administer; null: the whole server. No foreign key: organisations lie in the schema account.
  organisation_id uuid,
  -- Shown to colleagues, so that nobody keeps rights that are not used any more; the second is written at most once a day.
  created_on date not null,
  last_used_on date,
  check ((organisation_id is not null) = (role in ('org_admin', 'reseller')))
);
create index administrator_organisation on api.administrator (organisation_id);

-- At most four who may everything or nearly so: of the server (owner, admin), and of each organisation; and an owner always. Whoever changes this takes turns,
-- so that of many at once no more than four win.
create function api.bound_administrators() returns trigger language plpgsql as $$
begin
  if (tg_op <> 'DELETE' and new.organisation_id is null) or (tg_op <> 'INSERT' and old.organisation_id is null) then
    perform pg_advisory_xact_lock(hashtextextended('sealpost administrators', 0));
  end if;
  if tg_op <> 'DELETE' and new.organisation_id is not null then
    perform pg_advisory_xact_lock(hashtextextended('sealpost administrators ' || new.organisation_id, 0));
  end if;
  if tg_op <> 'DELETE' and new.role in ('owner', 'admin', 'org_admin', 'reseller') and 4 <= (
    select count(*) from api.administrator
    where id <> new.id and organisation_id is not distinct from new.organisation_id and role in ('owner', 'admin', 'org_admin', 'reseller')
  ) then
    raise exception 'There are four administrators' using errcode = 'SA001';
  end if;
  if tg_op <> 'INSERT' and old.role = 'owner' and (tg_op = 'DELETE' or new.role <> 'owner')
    and not exists (select from api.administrator where role = 'owner' and id <> old.id) then
    raise exception 'The last owner stays' using errcode = 'SA002';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  return new;
end $$;
create trigger administrators_are_bounded before insert or delete or update of role, organisation_id on api.administrator
  for each row execute function api.bound_administrators();

-- WebAuthn credentials, at most ten of each. Erased when taken off, when the person enrols anew, and with them.
create table api.passkey (
  id uuid primary key,
  administrator_id uuid not null references api.administrator (id) on delete cascade,
  -- What the authenticator calls it (WebAuthn §4), and the key (COSE) with which its signatures are checked.
  credential_id bytea not null unique check (length(credential_id) between 1 and 1023),
  public_key bytea not null,
  -- Signature counter (WebAuthn §6.1.1): one that goes back tells of a copy.
  counter bigint not null,
  -- How the browser reaches it (usb, internal, …): so that it asks for the right one.
  transports text[] not null,
  -- What the person calls it, so that they take off the right one.
  name text not null check (length(name) between 1 and 64),
  created_on date not null,
  last_used_on date
);
create index passkey_administrator on api.passkey (administrator_id);

-- One-time passwords by time (RFC 6238), for whoever has no passkey at hand. Erased when turned off, when the person enrols anew, and with them.
create table api.totp (
  administrator_id uuid primary key references api.administrator (id) on delete cascade,
  -- The secret, AES-256-GCM with the key in administrators.key of the data directory: the database alone lets nobody in.
  sealed_secret bytea not null,
  -- The step of the newest code that was taken: none is taken twice (RFC 6238 §5.2).
  used_step bigint not null,
  created_on date not null
);

-- Codes for the day when everything else is lost. HMAC with that key; each goes when it is used.
create table api.recovery_code (
  administrator_id uuid not null references api.administrator (id) on delete cascade,
  code_hash bytea not null,
  primary key (administrator_id, code_hash)
);

-- Who is signed in. Erased at signing out, at removal and change of role, after 30 minutes of rest or 12 hours.
create table api.administrator_session (
  -- For the list of one's own sessions.
  id uuid primary key,
  -- SHA-256 of the cookie.
  token_hash bytea not null unique,
  administrator_id uuid not null references api.administrator (id) on delete cascade,
  -- How it began, shown to the person.
  method text not null check (method in ('passkey', 'totp', 'recovery', 'enrolment')),
  -- Times, not days: each of the three ends something within minutes or hours. seen_at is written at most once a minute.
  started_at timestamptz not null,
  seen_at timestamptz not null,
  -- When the person proved themselves last: what cannot be taken back asks for it within five minutes.
  proved_at timestamptz not null
);
create index administrator_session_administrator on api.administrator_session (administrator_id);
create index administrator_session_started on api.administrator_session (started_at);

-- Challenges (WebAuthn §13.4.3) that were given out and not used yet. Erased when used, or after five minutes.
create table api.challenge (
  -- SHA-256.
  challenge_hash bytea primary key,
  -- A challenge is good for one thing only.
  purpose text not null check (purpose in ('enrol', 'add', 'sign-in', 'proof')),
  -- Who is to answer; null: whoever signs in. Of somebody who enrols: the id that they will have.
  administrator_id uuid,
  expires_at timestamptz not null
);
create index challenge_expiry on api.challenge (expires_at);
