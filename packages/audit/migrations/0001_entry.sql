-- What administrators did. Owner: packages/audit. The role sealpost_audit owns the table and is used for nothing else: services write with their own roles, which
-- may add and read, never change or remove. Nothing in it names a person: actors and targets are ids, which mean nothing once what they stood for was erased.

create table audit.entry (
  -- Without gaps: a removed entry shows.
  seq bigint primary key,
  at timestamptz not null,
  -- owner: on the host of the server; administrator; key: an API key; system: a task of the server itself.
  actor_kind text not null check (actor_kind in ('owner', 'administrator', 'key', 'system')),
  -- Of the administrator or key.
  actor_id text collate "C" check (length(actor_id) <= 64),
  -- Whose administrator acted; null: the server's own.
  organisation_id uuid,
  -- Name of the command, such as account.suspend.
  action text collate "C" not null check (length(action) <= 64),
  target_kind text collate "C" check (length(target_kind) <= 32),
  -- An id, or the name of a thing that is no person, such as a domain.
  target_id text collate "C" check (length(target_id) <= 1100),
  -- Why, in the actor's words.
  reason text check (length(reason) <= 500),
  -- begun: written before the action; done and refused: what became of it. A begun without either was cut off.
  phase text not null check (phase in ('begun', 'done', 'refused')),
  -- The entry that this one ends.
  begun_seq bigint,
  -- JSON: what was asked, or what changed, in fields that the command allows to be kept. Text, since the hash is of these very bytes.
  details text not null check (length(details) <= 16384),
  -- SHA-256 of the entry before, and of this one with that: packages/audit/src/chain.ts.
  previous_hash bytea not null,
  hash bytea not null
);
create index entry_action on audit.entry (action, seq);
create index entry_actor on audit.entry (actor_id, seq);
create index entry_target on audit.entry (target_id, seq);
create index entry_organisation on audit.entry (organisation_id, seq);

create function audit.refuse() returns trigger language plpgsql as $$
begin
  raise exception 'The audit log is only ever added to' using errcode = '42501';
end $$;
create trigger entry_is_kept before update or delete or truncate on audit.entry for each statement execute function audit.refuse();

grant usage on schema audit to sealpost_api;
grant select, insert on audit.entry to sealpost_api;
